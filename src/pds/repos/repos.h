// The repositories of this server's accounts, for those who write to them and read from them.
// Made once; any thread.
// https://atproto.com/specs/repository
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/lexicon/catalog.h"
#include "atproto/syntax/syntax.h"
#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/repos/commit_draft.h"
#include "pds/repos/tid_clock.h"
#include "pds/repos/warm_repos.h"
#include "pds/repos/write.h"
#include "pds/repos/write_lanes.h"

namespace roost::pds {

struct WriteRequest {
    std::vector<Write> writes;
    Validation validation = Validation::when_known;
    std::optional<atproto::Cid> swap_commit = std::nullopt;
    SameSubject same_subject = SameSubject::kept;
    // Of collections that are not in the catalog of this house, as far as they are known.
    std::map<std::string, std::shared_ptr<const lexicon::Catalog>> foreign_lexicons = {};
};

struct Written {
    struct Commit {
        atproto::Cid cid;
        atproto::Tid rev;
    };
    struct Item {
        std::string key;                  // "collection/rkey"
        std::optional<atproto::Cid> cid;  // none of a record that was deleted
        ValidationStatus status;
    };
    std::optional<Commit> commit;  // none if there was nothing to do
    std::vector<Item> items;       // as many as writes, in their order
};

class Repos {
  public:
    Repos(db::Database& database, FindSigningKey find_key, const lexicon::Catalog& catalog,
          SignatureCheck check)
        : db_(database), find_key_(std::move(find_key)), catalog_(catalog), check_(check) {}

    // All writes in one commit, or none. Durable when it returns, also if it finds nothing to do.
    // Errors: those of prepare(), check_batch() and draft_commit(); Fault::not_found
    // "RepoNotFound"; Fault::unavailable, if other writes to the same repository came first again
    // and again.
    Task<Result<Written>> write(const Account& account, WriteRequest request);

    // A new commit over the same tree, and a #sync event of it: for consumers that may know a later
    // state of the repository than there is. Durable when it returns.
    // Errors: Fault::not_found "RepoNotFound"; those of write().
    Task<Result<void>> renew(std::int64_t account_id, const atproto::Did& did);

    // While it lives nobody writes to the repository, and nothing is on the way: for who changes
    // what commits are signed with. Errors: those of write().
    using Pause = WriteLanes::Lane;
    Task<Result<Pause>> pause(std::int64_t account_id);
    // As renew() does, for who has paused it. `first` runs in the same transaction, before the
    // commit is signed; it is repeatable and owns what it captures.
    enum class Told { yes, no };  // by the #sync event: of open repositories
    Task<Result<void>> renew_paused(const Pause& pause, std::int64_t account_id, atproto::Did did,
                                    Told told, std::function<Result<void>(db::Transaction&)> first);

    // What was stored was changed from outside of write().
    void forget(std::int64_t account_id) { warm_.forget(account_id); }

  private:
    // For who is about to read the repository's state: bounds its memory, and sees to it that what
    // is stored is all there is if the state has to be read from there.
    Task<void> settle(WriteLanes::Lane& lane, std::int64_t account_id);
    // None: what it was to follow has failed, or was changed from outside.
    Task<Result<std::optional<Written>>> try_write(const Account& account,
                                                   std::shared_ptr<const Batch> batch);

    db::Database& db_;
    const FindSigningKey find_key_;
    const lexicon::Catalog& catalog_;
    const SignatureCheck check_;
    WarmRepos warm_;
    WriteLanes lanes_;
    TidClock clock_;
};

}  // namespace roost::pds
