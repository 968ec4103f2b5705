#include "api/subject.h"

#include "base/check.h"
#include "pds/accounts/account_store.h"

namespace roost::api {

namespace {

std::string member(const atproto::Value& subject, std::string_view name) {
    const auto* object = subject.as<atproto::Object>();
    const atproto::Value* value = object != nullptr ? object->find(name) : nullptr;
    const std::string* text = value != nullptr ? value->as<std::string>() : nullptr;
    return text != nullptr ? *text : std::string();
}

}  // namespace

Task<Result<pds::Account>> find_account(const Services& services, atproto::Did did) {
    std::optional<pds::Account> account = CO_TRY(
        co_await services.db.read([&](db::Transaction& t) -> Result<std::optional<pds::Account>> {
            return pds::account_store::find_by_did(t, did);
        }));
    if (!account) co_return Error::invalid("Account not found", "NotFound");
    co_return *std::move(account);
}

Task<Result<pds::Account>> find_subject(const Services& services, const atproto::Value& subject) {
    const std::string type = member(subject, "$type");
    if (type != "com.atproto.admin.defs#repoRef")
        co_return Error::invalid("Invalid subject (" + type + ")");
    co_return co_await find_account(services, CO_TRY(atproto::Did::parse(member(subject, "did"))));
}

}  // namespace roost::api
