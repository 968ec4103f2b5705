#include "pds/accounts/account_cache.h"

#include "pds/accounts/account_store.h"
#include "pds/accounts/session_cache.h"
#include "pds/limits.h"

namespace roost::pds {

Task<Result<std::shared_ptr<const Account>>> AccountCache::find(std::string_view did_or_handle) {
    if (auto account = known(did_or_handle)) co_return account;
    const std::uint64_t epoch = db_.row_versions().epoch();
    std::optional<Account> found =
        CO_TRY(co_await db_.read([&](db::Transaction& t) -> Result<std::optional<Account>> {
            return account_store::find_by_did_or_handle(t, did_or_handle);
        }));
    if (!found) co_return nullptr;
    auto account = std::make_shared<const Account>(*std::move(found));
    remember(did_or_handle, account, epoch);
    co_return account;
}

std::shared_ptr<const Account> AccountCache::known(std::string_view did_or_handle) {
    Shard& shard = shard_of(did_or_handle);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.entries.find(did_or_handle);
    if (found == shard.entries.end()) return nullptr;
    const Entry& entry = found->second;
    const bool is_current =
        entry.version == db_.row_versions().version(watched_account, entry.account->id);
    return is_current ? entry.account : nullptr;
}

void AccountCache::remember(std::string_view did_or_handle, std::shared_ptr<const Account> account,
                            std::uint64_t epoch) {
    // A handle in capitals is found, but only one spelling is kept: there are too many others.
    if (did_or_handle != account->did.text() && did_or_handle != account->handle.text()) return;
    const std::uint64_t version = db_.row_versions().version(watched_account, account->id);
    // A commit came between the look and here: which rows it changed is not worth finding out.
    if (db_.row_versions().epoch() != epoch) return;
    Shard& shard = shard_of(did_or_handle);
    const std::lock_guard lock(shard.mutex);
    if (shard.entries.size() >= limits::cached_accounts_max / shards_.size()) shard.entries.clear();
    shard.entries.insert_or_assign(std::string(did_or_handle), Entry{std::move(account), version});
}

}  // namespace roost::pds
