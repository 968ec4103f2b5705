#include "lexicon/com/atproto/server/createAppPassword.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/app_passwords.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::createAppPassword;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    using pds::app_passwords::Privilege;
    const pds::app_passwords::Created created = CO_TRY(co_await services.db.write(
        [id = call.account().id, name = std::move(input.name),
         privilege = input.privileged.value_or(false) ? Privilege::privileged : Privilege::standard,
         time = call.time](db::Transaction& t) {
            return pds::app_passwords::create(t, id, name, privilege, time);
        }));
    co_return lex::Output{
        .name = created.app_password.name,
        .password = created.password.reveal(),
        .createdAt = to_iso8601(created.app_password.created_at),
        .privileged = created.app_password.privilege == Privilege::privileged,
    };
}

}  // namespace

void server::add_createAppPassword(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::full_access}, with_services(services, answer));
}

}  // namespace roost::api
