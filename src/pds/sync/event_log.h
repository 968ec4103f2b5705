// The event log: what the network is told of this server's accounts, in one order.
//
// An event is appended inside the transaction that makes it true, so neither exists without the
// other. seq = max(last + 1, the time in microseconds): it rises with the order of commits, and a
// server restored from a backup can never send an old number again. Bodies are DAG-CBOR without
// seq and time, which are added when they are framed.
// https://atproto.com/specs/sync#firehose
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "atproto/repo/commit.h"
#include "atproto/syntax/syntax.h"
#include "base/clock.h"
#include "db/transaction.h"
#include "pds/account.h"

namespace roost::pds::event_log {

void append_identity(db::Transaction& t, const atproto::Did& did,
                     const std::optional<atproto::Handle>& handle, Timestamp now);
void append_account(db::Transaction& t, const atproto::Did& did, AccountStatus status,
                    Timestamp now);
void append_account_deleted(db::Transaction& t, const atproto::Did& did, Timestamp now);
// The first commit of a repository, which has no records.
void append_first_commit(db::Transaction& t, const atproto::Did& did, const atproto::NewRepo& repo,
                         Timestamp now);
// A commit of a repository that has been written to: the body is encode_commit_message()'s
// (pds/sync/commit_message.h). Its number comes from next_seq(); `previous` is that of the
// repository's commit before it.
void append_commit(db::Transaction& t, std::int64_t seq, std::int64_t previous,
                   const atproto::Did& did, ByteView body, Timestamp now);
// The number that an event gets if it is the next.
std::int64_t next_seq(db::Transaction& t, Timestamp now);
// The commits of one repository that come after `after`, up to `last`, which is one of them.
struct CommitRange {
    std::int64_t after;
    std::int64_t last;
};
// Their bodies, oldest first.
std::vector<Bytes> commits(db::Transaction& t, CommitRange range);
// They are in the repository's nodes, or not needed any more: those that were kept for the replay
// alone, beyond the time of cursors, go.
void forget_replayed(db::Transaction& t, CommitRange range);
// The repository's state as it stands, for consumers that must start over from it.
void append_sync(db::Transaction& t, const atproto::Did& did, const atproto::Tid& rev,
                 const atproto::Cid& commit_cid, ByteView commit_block, Timestamp now);

// Reading, in the order of the numbers. Views are valid within the call.
struct Stored {
    std::int64_t seq;
    std::string_view kind;
    Timestamp time;
    ByteView body;
};
// Until the function returns false.
void for_each_after(db::Transaction& t, std::int64_t seq,
                    const std::function<bool(const Stored&)>& function);
std::int64_t newest(db::Transaction& t);  // 0: there has never been an event
struct Numbered {
    std::int64_t seq;
    Timestamp time;
};
std::optional<Numbered> first_after(db::Transaction& t, std::int64_t seq);
// The first event after that number which is not older than that. Looks at all that are.
std::optional<std::int64_t> first_since(db::Transaction& t, Timestamp oldest, std::int64_t after);

// Retention. Goes over the oldest events as long as they are from before that time, at most so
// many, and deletes those that no repository needs to replay (repo.nodes_seq). The newest of all
// stays: the next number must exceed its own. Returns over how many it went.
std::int64_t prune(db::Transaction& t, Timestamp before, std::int64_t count_max);
// Events up to this number may be missing, so no stream begins before it.
std::int64_t pruned_through(db::Transaction& t);

}  // namespace roost::pds::event_log
