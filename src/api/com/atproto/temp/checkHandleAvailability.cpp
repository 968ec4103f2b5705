#include "lexicon/com/atproto/temp/checkHandleAvailability.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/handle_suggestions.h"
#include "pds/mail/email_address.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::temp::checkHandleAvailability;

namespace {

// A member of the answer's union.
atproto::Object member(std::string_view name) {
    return {{"$type", std::string(lex::Method::nsid) + "#" + std::string(name)}};
}

atproto::Object taken(const pds::Availability& found) {
    atproto::Array suggestions;
    for (const pds::HandleSuggestion& each : found.suggestions)
        suggestions.push_back(
            atproto::Object{{"handle", each.handle.text()}, {"method", std::string(each.method)}});
    atproto::Object result = member("resultUnavailable");
    result.set("suggestions", std::move(suggestions));
    return result;
}

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    if (params.email && !pds::mail::is_email_address(*params.email))
        co_return Error::invalid("Invalid email", std::string(lex::errors::InvalidEmail.text()));
    const pds::HandleWish wish{.handle = params.handle, .email = params.email};
    const auto found = CO_TRY(co_await services.db.read(
        [&](db::Transaction& t) { return pds::check_availability(t, services.handles, wish); }));
    co_return lex::Output{.handle = params.handle,
                          .result = found.is_free ? member("resultAvailable") : taken(found)};
}

}  // namespace

void temp::add_checkHandleAvailability(xrpc::Router& router, const Services& services) {
    // Each look-up tells whether there is an account; resolveHandle does, too.
    router.add<lex::Method>({.needs = xrpc::Needs::nothing}, with_services(services, answer));
}

}  // namespace roost::api
