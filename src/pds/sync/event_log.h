// The event log: what the network is told of this server's accounts, in one order.
//
// An event is appended inside the transaction that makes it true, so neither exists without the
// other. seq = max(last + 1, the time in microseconds): it rises with the order of commits, and a
// server restored from a backup can never send an old number again. Bodies are DAG-CBOR without
// seq and time, which are added when they are framed.
// https://atproto.com/specs/sync#firehose
#pragma once

#include <cstdint>
#include <optional>

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
// The repository's state as it stands, for consumers that must start over from it.
void append_sync(db::Transaction& t, const atproto::Did& did, const atproto::Tid& rev,
                 const atproto::Cid& commit_cid, ByteView commit_block, Timestamp now);

}  // namespace roost::pds::event_log
