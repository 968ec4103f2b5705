#include "api/record_view.h"

#include "atproto/data/cbor.h"
#include "base/check.h"
#include "pds/accounts/account_store.h"

namespace roost::api {

std::optional<pds::Account> find_public_account(db::Transaction& t, std::string_view identifier) {
    std::optional<pds::Account> account = pds::account_store::find_by_did_or_handle(t, identifier);
    if (!account || account->status() != pds::AccountStatus::active) return std::nullopt;
    return account;
}

atproto::Value value_of(const pds::record_store::Record& record) {
    Result<atproto::Value> value = atproto::cbor::decode(record.value);
    check(value.has_value(), "a stored record is DAG-CBOR");
    return *std::move(value);
}

atproto::AtUri uri_of(const atproto::Did& did, std::string_view key) {
    std::string text = "at://" + did.text();
    text.append(1, '/').append(key);
    Result<atproto::AtUri> uri = atproto::AtUri::parse(text);
    check(uri.has_value(), "the URI of a stored record is valid");
    return *std::move(uri);
}

}  // namespace roost::api
