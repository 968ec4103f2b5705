#include "atproto/repo/record_proof.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "atproto/data/cbor.h"
#include "atproto/mst/tree.h"
#include "atproto/repo/commit.h"

namespace roost::atproto {
namespace {

constexpr CarBounds bounds = {.bytes_max = 100'000, .blocks_max = 100};

class RecordProofTest : public ::testing::Test {
  protected:
    RecordProofTest() {
        std::vector<mst::KeyValue> pairs;
        for (int i = 100; i < 400; ++i) {
            const Bytes value = record(i);
            pairs.push_back({"a.b.c/" + std::to_string(i), Cid::of(Codec::dag_cbor, value)});
        }
        tree_ = *mst::build_tree(pairs);
    }
    static Bytes record(int i) { return cbor::encode(Object{{"number", i}}); }
    // The commit, the path to the key, and the record if there is one.
    Blocks proof(std::string_view key, std::optional<int> number) const {
        const Bytes commit = encode_commit(sign_commit(did_, tree_.root(), rev_, key_));
        Blocks blocks{{Cid::of(Codec::dag_cbor, commit), commit}};
        mst::NoSource none;
        const Blocks path = *tree_.proof(none, key);
        blocks.insert(blocks.end(), path.begin(), path.end());
        if (number) blocks.push_back({Cid::of(Codec::dag_cbor, record(*number)), record(*number)});
        return blocks;
    }
    Result<ProvenRecord> verify(const Blocks& blocks, std::string_view key) const {
        return verify_record_proof(write_car(blocks.front().cid, blocks), bounds, did_,
                                   key_.public_key(), key);
    }
    std::string refusal(const Blocks& blocks, std::string_view key = "a.b.c/200") const {
        const auto proven = verify(blocks, key);
        return proven.has_value() ? "" : proven.error().name + ": " + proven.error().message;
    }

    const Did did_ = *Did::parse("did:web:ann.net");
    const PrivateKey key_ = PrivateKey::generate(Curve::k256);
    const Tid rev_ = *Tid::parse("3jzfcijpj2z2a");
    mst::Tree tree_;
};

TEST_F(RecordProofTest, GivesTheRecordOrItsAbsence) {
    const auto there = verify(proof("a.b.c/200", 200), "a.b.c/200");
    ASSERT_TRUE(there.has_value()) << there.error().message;
    EXPECT_EQ(there->value, record(200));
    EXPECT_EQ(there->rev, rev_);
    const auto absent = verify(proof("a.b.c/2000", std::nullopt), "a.b.c/2000");
    ASSERT_TRUE(absent.has_value()) << absent.error().message;
    EXPECT_FALSE(absent->value.has_value());
}

TEST_F(RecordProofTest, RefusesWhatTheSignatureDoesNotCover) {
    EXPECT_EQ(refusal(proof("a.b.c/200", 200)), "");
    Blocks without_record = proof("a.b.c/200", std::nullopt);
    EXPECT_EQ(refusal(without_record), "InvalidProof: the record is not among the blocks");
    EXPECT_NE(refusal(proof("a.b.c/200", 201)), "") << "another record does not stand for it";
    Blocks without_path = proof("a.b.c/200", 200);
    without_path.erase(without_path.begin() + 1);
    EXPECT_TRUE(refusal(without_path).starts_with("MissingBlock")) << refusal(without_path);
    Blocks without_commit = proof("a.b.c/200", 200);
    std::ranges::rotate(without_commit, without_commit.begin() + 1);
    EXPECT_TRUE(refusal(without_commit).starts_with("InvalidCommit"));

    const PrivateKey other = PrivateKey::generate(Curve::k256);
    Blocks forged = proof("a.b.c/200", 200);
    forged[0].bytes = encode_commit(sign_commit(did_, tree_.root(), rev_, other));
    forged[0].cid = Cid::of(Codec::dag_cbor, forged[0].bytes);
    EXPECT_EQ(refusal(forged),
              "InvalidProof: the commit is not signed with the key of did:web:ann.net");
    const Did eve = *Did::parse("did:web:eve.net");
    forged[0].bytes = encode_commit(sign_commit(eve, tree_.root(), rev_, key_));
    forged[0].cid = Cid::of(Codec::dag_cbor, forged[0].bytes);
    EXPECT_EQ(refusal(forged), "InvalidProof: the commit is of did:web:eve.net");
}

TEST_F(RecordProofTest, RefusesBrokenFiles) {
    const Blocks blocks = proof("a.b.c/200", 200);
    const Bytes car = write_car(blocks.front().cid, blocks);
    const auto verdict = [&](ByteView bytes, CarBounds limits = bounds) {
        return verify_record_proof(bytes, limits, did_, key_.public_key(), "a.b.c/200").has_value();
    };
    EXPECT_TRUE(verdict(car));
    EXPECT_FALSE(verdict({}));
    EXPECT_FALSE(verdict(ByteView(car).first(car.size() - 1)));
    EXPECT_FALSE(verdict(car, {.bytes_max = car.size() - 1, .blocks_max = 100}));
    EXPECT_FALSE(verdict(car, {.bytes_max = 100'000, .blocks_max = blocks.size() - 1}));
    for (std::size_t i = 0; i < car.size(); i += 7) {
        Bytes tampered = car;
        tampered[i] ^= 1;
        EXPECT_FALSE(verdict(tampered)) << i;
    }
}

}  // namespace
}  // namespace roost::atproto
