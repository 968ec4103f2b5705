#include "atproto/repo/commit.h"

#include <gtest/gtest.h>

#include <functional>

#include "atproto/data/cbor.h"

namespace roost::atproto {
namespace {

const Did did = *Did::parse("did:plc:csqcj33mgndnjg5fer2cmkff");
const Tid rev = *Tid::parse("3jqfcqzm3fo2j");
const Cid data = *Cid::parse("bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm");
const PrivateKey key = *PrivateKey::from_raw(Curve::k256, SecretBytes(Bytes(32, 0x11)));

// The example commit, changed as a value of the data model.
bool is_refused(const std::function<void(Object&)>& change) {
    Value value = *cbor::decode(encode_commit(sign_commit(did, data, rev, key)));
    change(std::get<Object>(value.variant()));
    const Result<Commit> commit = parse_commit(cbor::encode(value));
    if (!commit) {
        EXPECT_EQ(commit.error().name, "InvalidCommit");
    }
    return !commit.has_value();
}

TEST(Commit, EncodesAsTheGenericEncoderWould) {
    Commit commit = sign_commit(did, data, rev, key);
    for (const std::optional<Cid>& prev : {std::optional<Cid>(), std::optional(data)}) {
        commit.prev = prev;
        const Object object = {
            {"version", 3},      {"did", did.text()},
            {"data", data},      {"prev", prev ? Value(*prev) : Value()},
            {"rev", rev.text()}, {"sig", Bytes(commit.signature.begin(), commit.signature.end())}};
        EXPECT_EQ(encode_commit(commit), cbor::encode(object));
    }
}

TEST(Commit, RoundTripsAndVerifies) {
    const Commit commit = sign_commit(did, data, rev, key);
    const Result<Commit> again = parse_commit(encode_commit(commit));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, commit);
    EXPECT_TRUE(verify_commit(*again, key.public_key()));
    EXPECT_FALSE(verify_commit(*again, PrivateKey::generate(Curve::k256).public_key()));
}

TEST(Commit, AnyChangeBreaksTheSignature) {
    const Commit commit = sign_commit(did, data, rev, key);
    Commit changed = commit;
    changed.did = *Did::parse("did:plc:csqcj33mgndnjg5fer2cmkfg");
    EXPECT_FALSE(verify_commit(changed, key.public_key()));
    changed = commit;
    changed.rev = *Tid::parse("3jqfcqzm3fo2k");
    EXPECT_FALSE(verify_commit(changed, key.public_key()));
    changed = commit;
    changed.data = Cid::of(Codec::dag_cbor, as_bytes("other"));
    EXPECT_FALSE(verify_commit(changed, key.public_key()));
    changed = commit;
    changed.prev = data;
    EXPECT_FALSE(verify_commit(changed, key.public_key()));
    changed = commit;
    changed.signature[0] ^= 1;
    EXPECT_FALSE(verify_commit(changed, key.public_key()));
}

TEST(Commit, RefusesWrongMembers) {
    EXPECT_FALSE(is_refused([](Object&) {}));
    for (const std::string name : {"did", "rev", "sig", "data", "prev", "version"}) {
        EXPECT_TRUE(is_refused([&](Object& commit) { commit.erase(name); })) << name;
        EXPECT_TRUE(is_refused([&](Object& commit) { commit.set(name, "x"); })) << name;
        EXPECT_TRUE(is_refused([&](Object& commit) { commit.set(name, 2); })) << name;
    }
    EXPECT_TRUE(is_refused([](Object& commit) { commit.set("more", 1); }));
    EXPECT_TRUE(is_refused([](Object& commit) { commit.set("sig", Bytes(63, 1)); }));
    EXPECT_TRUE(is_refused([](Object& commit) { commit.set("sig", Bytes(65, 1)); }));
    EXPECT_TRUE(is_refused([](Object& commit) { commit.set("data", Cid::of(Codec::raw, {})); }));
    EXPECT_TRUE(is_refused([](Object& commit) { commit.set("prev", Cid::of(Codec::raw, {})); }));
    EXPECT_FALSE(is_refused([](Object& commit) { commit.set("prev", data); }));
    EXPECT_FALSE(parse_commit({}));
    EXPECT_FALSE(parse_commit(as_bytes("\x80")));
}

TEST(EmptyRepo, IsACommitAndTheEmptyTree) {
    const NewRepo repo = create_empty_repo(did, key, rev);
    EXPECT_EQ(repo.rev, rev);
    EXPECT_EQ(repo.data, data);
    ASSERT_EQ(repo.blocks.size(), 2U);
    EXPECT_EQ(repo.blocks[0].cid, repo.commit);
    EXPECT_EQ(repo.blocks[1].cid, data);
    for (const Block& block : repo.blocks)
        EXPECT_EQ(Cid::of(Codec::dag_cbor, block.bytes), block.cid);
    const Result<Commit> commit = parse_commit(repo.blocks[0].bytes);
    ASSERT_TRUE(commit);
    EXPECT_EQ(*commit, sign_commit(did, data, rev, key));
}

}  // namespace
}  // namespace roost::atproto
