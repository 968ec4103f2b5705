#include "pds/repos/repos.h"

#include "atproto/repo/commit.h"
#include "base/check.h"

#include "pds/limits.h"
#include "pds/repos/repo_store.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

// A commit on its way, whose state others build on already. Forgets that state unless the commit
// became durable, also if the task ends while it waits; the lane is told afterwards.
class OnTheWay {
  public:
    OnTheWay(WriteLanes::Lane lane, WarmRepos& warm, std::int64_t account_id)
        : departure_(std::move(lane).depart()), warm_(warm), account_id_(account_id) {}
    OnTheWay(const OnTheWay&) = delete;
    OnTheWay& operator=(const OnTheWay&) = delete;
    ~OnTheWay() {
        if (!is_durable_) warm_.forget(account_id_);
    }
    void set_durable() {
        is_durable_ = true;
        departure_.set_durable();
    }

  private:
    WriteLanes::Departure departure_;
    WarmRepos& warm_;
    std::int64_t account_id_;
    bool is_durable_ = false;
};

// A commit came from outside; it may have replaced stored nodes that the tree in memory still
// names.
bool is_overtaken(const Error& error) {
    return error.name == overtaken || error.name == "MissingBlock" || error.name == "InvalidNode";
}

bool needs_commit(const Result<std::shared_ptr<const CommitDraft>>& draft) {
    return draft.has_value() ? *draft != nullptr : is_overtaken(draft.error());
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

Task<Result<Repos::Pause>> Repos::pause(std::int64_t account_id) {
    Pause lane = CO_TRY(co_await lanes_.enter(account_id));
    co_await lane.emptied();
    co_return lane;
}

Task<Result<void>> Repos::renew(std::int64_t account_id, const atproto::Did& did) {
    const Pause paused = CO_TRY(co_await pause(account_id));
    co_return co_await renew_paused(paused, account_id, did, Told::yes,
                                    [](db::Transaction&) -> Result<void> { return {}; });
}

Task<Result<void>> Repos::renew_paused(const Pause& pause, std::int64_t account_id,
                                       atproto::Did did, Told told,
                                       std::function<Result<void>(db::Transaction&)> first) {
    check(pause.is_empty(), "nothing is on the way to a repository that is paused");
    warm_.forget(account_id);
    co_return co_await db_.write(
        [this, account_id, did, told, first](db::Transaction& t) -> Result<void> {
            TRY(first(t));
            const std::optional<repo_store::StoredRepo> repo = repo_store::find(t, account_id);
            if (!repo)
                return Error::not_found("Could not find repo: " + did.text(), "RepoNotFound");
            const atproto::Commit last = TRY(atproto::parse_commit(repo->head.commit_block));
            const Timestamp time = now();
            const atproto::Tid rev = clock_.after(time, repo->head.rev.number());
            atproto::Block block =
                atproto::signed_commit_block(did, last.data, rev, TRY(find_key_(t, account_id)));
            const repo_store::Head head{rev, block.cid, std::move(block.bytes)};
            check(repo_store::advance(t, repo->id, repo->head.rev, head, repo->record_count),
                  "nobody else moves a head on in this transaction");
            if (told == Told::yes)
                event_log::append_sync(t, did, head.rev, head.commit_cid, head.commit_block, time);
            return {};
        });
}

Task<void> Repos::settle(WriteLanes::Lane& lane, std::int64_t account_id) {
    const auto is_too_large = [](const RepoState& state) {
        return state.nodes_stamp && state.tree.loaded_bytes() > limits::warm_tree_bytes_max;
    };
    WarmRepos::State state = warm_.find(account_id);
    if (state && !is_too_large(*state)) co_return;
    co_await lane.emptied();
    state = warm_.find(account_id);
    if (!state || !is_too_large(*state)) co_return;
    RepoState smaller = *state;  // nodes that were written can be read back by now
    smaller.tree = state->tree.forget(*state->nodes_stamp, limits::warm_tree_bytes_max / 2);
    warm_.put(account_id, std::make_shared<const RepoState>(std::move(smaller)));
}

Task<Result<std::optional<Written>>> Repos::try_write(const Account& account,
                                                      std::shared_ptr<const Batch> batch) {
    WriteLanes::Lane lane = CO_TRY(co_await lanes_.enter(account.id));
    co_await settle(lane, account.id);
    const Timestamp time = now();
    const auto make_draft = [&](db::Transaction& t) -> Result<std::shared_ptr<const CommitDraft>> {
        WarmRepos::State base = warm_.find(account.id);
        if (!base) base = TRY(load_repo(t, account.id, account.did, find_key_));
        const auto drafted =
            draft_commit(t, account.id, account.did, std::move(base), batch, clock_, time);
        if (check_ == SignatureCheck::on && drafted.has_value() && *drafted != nullptr)
            TRY(verify_draft(**drafted));
        return drafted;
    };
    auto draft = co_await db_.read(make_draft);
    // What needs no commit, or is refused, follows from commits that may still fail.
    if (!needs_commit(draft) && !lane.is_empty()) {
        co_await lane.emptied();
        draft = co_await db_.read(make_draft);
    }
    if (!draft.has_value()) {
        if (!is_overtaken(draft.error())) co_return draft.error();
        warm_.forget(account.id);
        co_return std::nullopt;
    }
    if (*draft == nullptr) co_return written(*batch, nullptr);
    warm_.put(account.id, (*draft)->next);
    OnTheWay on_the_way(std::move(lane), warm_, account.id);
    const Result<void> stored = co_await db_.write(
        [draft = *draft, time](db::Transaction& t) { return store_commit(t, *draft, time); });
    if (!stored.has_value()) {
        if (!is_overtaken(stored.error())) co_return stored.error();
        co_return std::nullopt;
    }
    on_the_way.set_durable();
    co_return written(*batch, draft->get());
}

}  // namespace roost::pds
