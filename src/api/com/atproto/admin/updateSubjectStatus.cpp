#include "lexicon/com/atproto/admin/updateSubjectStatus.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/subject.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::updateSubjectStatus;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    const bool takes_down = input.takedown && input.takedown->applied;
    if (takes_down && input.deactivated && !input.deactivated->applied)
        co_return Error::invalid("Cannot activate and takedown an account at the same time");
    const pds::Account account = CO_TRY(co_await find_subject(services, input.subject));
    if (input.takedown) {
        std::optional<std::string> ref;
        if (takes_down) ref = input.takedown->ref.value_or(to_iso8601(call.time));
        CO_TRY(co_await services.lifecycle.set_takedown(account, std::move(ref)));
    }
    if (input.deactivated) {
        if (input.deactivated->applied)
            CO_TRY(co_await services.lifecycle.deactivate(account, std::nullopt));
        else
            CO_TRY(co_await services.lifecycle.activate(account));
    }
    if (!input.takedown && !input.deactivated)
        CO_TRY(co_await services.lifecycle.announce(account));
    co_return lex::Output{.subject = std::move(input.subject),
                          .takedown = std::move(input.takedown)};
}

}  // namespace

void admin::add_updateSubjectStatus(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin}, with_services(services, answer));
}

}  // namespace roost::api
