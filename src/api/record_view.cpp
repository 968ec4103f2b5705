#include "api/record_view.h"

#include "atproto/data/json.h"
#include "base/check.h"
#include "pds/accounts/account_store.h"

namespace roost::api {

std::optional<pds::Account> find_public_account(db::Transaction& t, std::string_view identifier) {
    std::optional<pds::Account> account = pds::account_store::find_by_did_or_handle(t, identifier);
    if (!account || account->status() != pds::AccountStatus::active) return std::nullopt;
    return account;
}

void append_record(std::string& json, const atproto::Did& did,
                   const pds::record_store::Record& record) {
    // Neither DIDs nor keys hold a character that JSON escapes.
    json.append(R"({"uri":"at://)").append(did.text()).append(1, '/').append(record.key);
    json.append(R"(","cid":")").append(record.cid.text()).append(R"(","value":)");
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
