// The body of a #commit event, as the log keeps it: DAG-CBOR without seq and time. Pure.
// https://atproto.com/specs/sync#commit-events
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/repo/operation.h"
#include "atproto/syntax/syntax.h"
#include "base/bytes.h"

namespace roost::pds {

struct CommitMessage {
    const atproto::Did& repo;
    const atproto::Cid& commit;
    const atproto::Tid& rev;
    const atproto::Tid& since;
    const atproto::Cid& prev_data;
    std::span<const atproto::Operation> operations;
    ByteView blocks;  // a CAR file
};
Bytes encode_commit_message(const CommitMessage& message);

// What such a body, or a first commit's, did to the repository.
struct LoggedCommit {
    atproto::Tid rev;
    std::vector<atproto::Operation> operations;
};
LoggedCommit read_commit(ByteView body);

}  // namespace roost::pds
