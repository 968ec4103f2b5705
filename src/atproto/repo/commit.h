// A commit: the signed statement that a repository has these contents at this revision.
// https://atproto.com/specs/repository#commit-objects
#pragma once

#include <optional>

#include "atproto/crypto/keys.h"
#include "atproto/data/block.h"
#include "atproto/data/cid.h"
#include "atproto/syntax/syntax.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto {

struct Commit {
    Did did;
    Cid data;  // the root of the tree
    Tid rev;
    std::optional<Cid> prev;  // a relic of version 2: read, but never written by sign_commit()
    Signature signature;

    friend bool operator==(const Commit&, const Commit&) = default;
};

Commit sign_commit(const Did& did, const Cid& data, const Tid& rev, const PrivateKey& key);
Bytes encode_commit(const Commit& commit);
// Signed and encoded, with its CID: as it is stored and sent.
Block signed_commit_block(const Did& did, const Cid& data, const Tid& rev, const PrivateKey& key);
// Exactly the members of version 3. The signature is not judged.
// Errors: Fault::invalid, "InvalidCommit".
Result<Commit> parse_commit(ByteView bytes);
bool verify_commit(const Commit& commit, const PublicKey& key);

struct NewRepo {
    Cid commit;
    Tid rev;
    Cid data;
    Blocks blocks;  // the commit and the empty tree's node, in the order of a CAR file
};
NewRepo create_empty_repo(const Did& did, const PrivateKey& key, const Tid& rev);

}  // namespace roost::atproto
