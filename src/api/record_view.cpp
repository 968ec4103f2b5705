#include "api/record_view.h"

#include "atproto/data/json.h"
#include "base/check.h"
#include "pds/accounts/account_cache.h"

namespace roost::api {

Task<Result<std::shared_ptr<const pds::Account>>> find_public_account(const Services& services,
                                                                      std::string_view identifier) {
    auto account = CO_TRY(co_await services.accounts.find(identifier));
    if (account != nullptr && !account->is_active()) account = nullptr;
    co_return account;
}

void append_record(std::string& json, const atproto::Did& did,
                   const pds::record_store::RecordView& record) {
    // What stands around the value, and the value, which as JSON is a little longer than as CBOR.
    constexpr std::size_t frame_bytes = 128;
    const std::size_t wanted = frame_bytes + did.text().size() + record.key.size() +
                               record.value.size() + record.value.size() / 4;
    if (json.capacity() - json.size() < wanted) json.reserve(json.size() + wanted);
    // Neither DIDs nor keys hold a character that JSON escapes.
    json.append(R"({"uri":"at://)").append(did.text()).append(1, '/').append(record.key);
    json.append(R"(","cid":")");
    record.cid.append_to(json);
    json.append(R"(","value":)");
    const Result<void> appended = atproto::json::append_cbor(json, record.value);
    check(appended.has_value(), "a stored record is DAG-CBOR");
    json.append(1, '}');
}

atproto::AtUri uri_of(const atproto::Did& did, std::string_view key) {
    std::string text = "at://" + did.text();
    text.append(1, '/').append(key);
    Result<atproto::AtUri> uri = atproto::AtUri::parse(text);
    check(uri.has_value(), "the URI of a stored record is valid");
    return *std::move(uri);
}

}  // namespace roost::api
