#include "lexicon/com/atproto/admin/getSubjectStatus.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/subject.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::getSubjectStatus;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    if (!params.did) co_return Error::invalid("No provided subject");
    const pds::Account account = CO_TRY(co_await find_account(services, *params.did));
    lexicon::com::atproto::admin::defs::StatusAttr takedown{
        .applied = account.takedown_ref.has_value(), .ref = account.takedown_ref};
    lexicon::com::atproto::admin::defs::StatusAttr deactivated{
        .applied = account.deactivated_at.has_value(), .ref = std::nullopt};
    co_return lex::Output{
        .subject = atproto::Object{{"$type", "com.atproto.admin.defs#repoRef"},
                                   {"did", account.did.text()}},
        .takedown = std::move(takedown),
        .deactivated = std::move(deactivated),
    };
}

}  // namespace

void admin::add_getSubjectStatus(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin}, with_services(services, answer));
}

}  // namespace roost::api
