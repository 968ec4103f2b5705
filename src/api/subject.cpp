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

Task<Result<pds::Account>> find_account(const Services& services, std::string did_or_handle) {
    std::optional<pds::Account> account = CO_TRY(
        co_await services.db.read([&](db::Transaction& t) -> Result<std::optional<pds::Account>> {
            return pds::account_store::find_by_did_or_handle(t, did_or_handle);
        }));
    if (!account) co_return Error::invalid("Account not found", "NotFound");
    co_return *std::move(account);
}

Task<Result<RecordSubject>> find_record(const Services& services, std::string uri_text) {
    atproto::AtUri uri = CO_TRY(atproto::AtUri::parse(uri_text));
    if (uri.rkey().empty()) co_return Error::invalid("The URI names no record: " + uri.text());
    pds::Account account = CO_TRY(co_await find_account(services, std::string(uri.authority())));
    std::string key(uri.collection());
    key.append(1, '/').append(uri.rkey());
    co_return RecordSubject{std::move(account), std::move(uri), std::move(key)};
}

Task<Result<BlobSubject>> find_blob(const Services& services, std::string did, std::string cid) {
    const atproto::Cid parsed = CO_TRY(atproto::Cid::parse(cid));
    co_return BlobSubject {
        CO_TRY(co_await find_account(services, std::move(did)))
        , parsed
    };
}

std::string name_of_subject(const atproto::Value& subject) {
    const std::string uri = member(subject, "uri");
    if (!uri.empty()) return uri;
    const std::string cid = member(subject, "cid");
    return member(subject, "did") + (cid.empty() ? "" : " " + cid);
}

Task<Result<Subject>> find_subject(const Services& services, const atproto::Value& subject) {
    const std::string type = member(subject, "$type");
    if (type == "com.atproto.admin.defs#repoRef")
        co_return Subject(CO_TRY(co_await find_account(services, member(subject, "did"))));
    if (type == "com.atproto.repo.strongRef")
        co_return Subject(CO_TRY(co_await find_record(services, member(subject, "uri"))));
    if (type == "com.atproto.admin.defs#repoBlobRef")
        co_return Subject(
            CO_TRY(co_await find_blob(services, member(subject, "did"), member(subject, "cid"))));
    co_return Error::invalid("Invalid subject (" + type + ")");
}

}  // namespace roost::api
