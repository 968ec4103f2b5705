#include "pds/repos/repos.h"

#include "pds/limits.h"

namespace roost::pds {

namespace {

// Forgets the repository unless the commit became durable: also if the task ends while it waits.
class Hold {
  public:
    Hold(WarmRepos& warm, std::int64_t account_id) : warm_(warm), account_id_(account_id) {}
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
        if (!is_durable_) warm_.forget(account_id_);
    }
    void set_durable() { is_durable_ = true; }

  private:
    WarmRepos& warm_;
    std::int64_t account_id_;
    bool is_durable_ = false;
};

// Another commit came first; it may have replaced stored nodes that the tree in memory still names.
bool is_overtaken(const Error& error) {
    return error.name == overtaken || error.name == "MissingBlock" || error.name == "InvalidNode";
}

Written written(const Batch& batch, const CommitDraft* draft) {
    Written result;
    if (draft != nullptr) result.commit = Written::Commit{draft->head.commit_cid, draft->head.rev};
    for (const PreparedWrite& write : batch.writes)
        result.items.push_back({write.key, write.cid, write.status});
    return result;
}

}  // namespace

Task<Result<Written>> Repos::write(const Account& account, WriteRequest request) {
    Batch batch{
        .writes = {}, .swap_commit = request.swap_commit, .same_subject = request.same_subject};
    batch.writes.reserve(request.writes.size());
    for (Write& write : request.writes) {
        const auto foreign = request.foreign_lexicons.find(write.collection.text());
        const bool is_foreign = foreign != request.foreign_lexicons.end();
        batch.writes.push_back(
            CO_TRY(prepare(std::move(write), request.validation,
                           is_foreign ? *foreign->second : catalog_, clock_, now())));
    }
    CO_TRY(check_batch(batch));
    const auto shared = std::make_shared<const Batch>(std::move(batch));
    for (int attempt = 0; attempt < limits::write_attempts_max; ++attempt) {
        std::optional<Written> done = CO_TRY(co_await try_write(account, shared));
        if (done) co_return *std::move(done);
    }
    co_return Error::unavailable("Too many writes to this repository at once", 1);
}

Task<Result<std::optional<Written>>> Repos::try_write(const Account& account,
                                                      std::shared_ptr<const Batch> batch) {
    const Timestamp time = now();
    const auto draft =
        co_await db_.read([&](db::Transaction& t) -> Result<std::shared_ptr<const CommitDraft>> {
            WarmRepos::State base = warm_.find(account.id);
            if (!base) base = TRY(load_repo(t, account.id, account.did, find_key_));
            return draft_commit(t, account.id, account.did, std::move(base), batch, clock_, time);
        });
    if (!draft.has_value()) {
        if (!is_overtaken(draft.error())) co_return draft.error();
        warm_.forget(account.id);
        co_return std::nullopt;
    }
    if (*draft == nullptr) co_return written(*batch, nullptr);
    warm_.put(account.id, (*draft)->next);
    Hold hold(warm_, account.id);
    const Result<void> stored = co_await db_.write(
        [draft = *draft, time](db::Transaction& t) { return store_commit(t, *draft, time); });
    if (!stored.has_value()) {
        if (!is_overtaken(stored.error())) co_return stored.error();
        co_return std::nullopt;
    }
    hold.set_durable();
    co_return written(*batch, draft->get());
}

}  // namespace roost::pds
