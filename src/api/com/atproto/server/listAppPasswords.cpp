#include "lexicon/com/atproto/server/listAppPasswords.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/app_passwords.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::listAppPasswords;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Method::Params) {
    const auto passwords = CO_TRY(co_await services.db.read(
        [&](db::Transaction& t) -> Result<std::vector<pds::app_passwords::AppPassword>> {
            return pds::app_passwords::list(t, call.account().id);
        }));
    lex::Output output;
    for (const pds::app_passwords::AppPassword& password : passwords)
        output.passwords.push_back({
            .name = password.name,
            .createdAt = to_iso8601(password.created_at),
            .privileged = password.privilege == pds::app_passwords::Privilege::privileged,
        });
    co_return output;
}

}  // namespace

void server::add_listAppPasswords(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::full_access}, with_services(services, answer));
}

}  // namespace roost::api
