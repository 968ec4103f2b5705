#include "pds/proxying/service_tokens.h"

#include "atproto/crypto/service_jwt.h"
#include "pds/accounts/key_store.h"
#include "pds/accounts/session_cache.h"
#include "pds/proxying/limits.h"

namespace roost::pds {

Task<Result<std::string>> ServiceTokens::fresh(const Account& account, std::string_view audience,
                                               std::string_view method, Timestamp now) {
    const atproto::PrivateKey key = CO_TRY(co_await db_.read(
        [&](db::Transaction& t) { return key_store::find(t, account.id, vault_); }));
    co_return atproto::create_service_jwt(key, {.issuer = account.did.text(),
                                                .audience = audience,
                                                .method = method,
                                                .now = now,
                                                .lifetime_s = limits::service_token_s});
}

Task<Result<ServiceTokens::Remembered>> ServiceTokens::remembered(const Account& account,
                                                                  std::string_view audience,
                                                                  std::string_view method,
                                                                  Timestamp now) {
    std::string key = std::to_string(account.id);
    key.append(1, ' ').append(method).append(1, ' ').append(audience);
    // From before the key is read: a token of a row that changes meanwhile counts as outdated.
    const std::uint64_t version = versions_.version(watched_account, account.id);
    Shard& shard = shard_of(key);
    {
        const std::lock_guard lock(shard.mutex);
        const auto found = shard.entries.find(key);
        if (found != shard.entries.end() && found->second.account_version == version &&
            found->second.made_s <= now.seconds() &&
            now.seconds() < found->second.made_s + limits::service_token_reuse_s)
            co_return Remembered{.token = found->second.token, .was_used = true};
    }
    std::string token = CO_TRY(co_await fresh(account, audience, method, now));
    const std::lock_guard lock(shard.mutex);
    if (shard.entries.size() >= limits::cached_service_tokens_max / shards_.size())
        shard.entries.clear();
    shard.entries.insert_or_assign(
        std::move(key), Entry{.token = token, .made_s = now.seconds(), .account_version = version});
    co_return Remembered{.token = std::move(token)};
}

}  // namespace roost::pds
