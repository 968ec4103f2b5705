#include "pds/repos/import_reader.h"

#include <gtest/gtest.h>

#include "pds/limits.h"
#include "pds/repos/testing.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using atproto::Cid;
using atproto::Object;
using atproto::mst::Node;
using testing::block_of;
using testing::car_with_root;
using testing::must;
using testing::notes;
using testing::repo_car;

const atproto::Did ann = testing::did_of("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
constexpr std::uint64_t bytes_max = 64 * 1024 * 1024;

struct Whole {
    std::vector<ImportPiece::Node> nodes;
    std::vector<ImportPiece::Record> records;
    int pieces = 0;
};

Result<Whole> read(const Bytes& car, std::uint64_t records_max = bytes_max) {
    testing::MemoryContent content;
    atproto::CarBlocks blocks(content, {.bytes_max = bytes_max, .blocks_max = 100'000});
    for (ByteView rest = car; !rest.empty();) {
        const ByteView piece = rest.first(std::min<std::size_t>(rest.size(), 50'000));
        rest = rest.subspan(piece.size());
        append(content.bytes, piece);
        TRY(blocks.feed(piece));
    }
    TRY(blocks.finish());
    ImportSource source(blocks);
    ImportReader reader = TRY(ImportReader::open(source, ann, records_max));
    Whole whole;
    while (true) {
        ImportPiece piece = TRY(reader.next());
        if (piece.is_empty()) break;
        ++whole.pieces;
        std::ranges::move(piece.nodes, std::back_inserter(whole.nodes));
        std::ranges::move(piece.records, std::back_inserter(whole.records));
    }
    EXPECT_EQ(reader.record_count(), std::ssize(whole.records));
    return whole;
}

std::string refusal_of(const Bytes& car, std::uint64_t records_max = bytes_max) {
    const Result<Whole> whole = read(car, records_max);
    return whole.has_value() ? "accepted" : whole.error().message;
}

// A tree with this root alone, and what else is given.
Bytes car_of_node(const Node& root, atproto::Blocks blocks = {}) {
    blocks.push_back(block_of(root));
    return car_with_root(ann, blocks.back().cid, blocks, testing::early_rev());
}

std::string key_of_layer(int layer) {
    for (int i = 0;; ++i) {
        std::string key = "test.roost.note/" + std::to_string(i);
        if (atproto::mst::key_layer(key) == layer) return key;
    }
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(ImportReader, ReadsARepositoryWhoseBlocksComeInAnyOrder) {
    const testing::Records records = notes(5'000);
    const testing::RepoBlocks made = testing::blocks_of(records);
    const Whole whole = must(read(repo_car(ann, records)));
    ASSERT_EQ(whole.records.size(), records.size());
    EXPECT_EQ(whole.nodes.size(), made.nodes.size());
    EXPECT_GT(whole.pieces, 4);
    auto expected = records.begin();
    for (const ImportPiece::Record& record : whole.records) {
        EXPECT_EQ(record.key, expected->first);
        EXPECT_EQ(record.value, atproto::cbor::encode(expected->second));
        EXPECT_EQ(record.cid, Cid::of(atproto::Codec::dag_cbor, record.value));
        ++expected;
    }
}

TEST(ImportReader, ReadsAnEmptyRepository) {
    const Whole whole = must(read(repo_car(ann, {})));
    EXPECT_EQ(whole.records.size(), 0U);
    EXPECT_EQ(whole.nodes.size(), 1U);
}

TEST(ImportReader, FindsBlobsAndSubjects) {
    const Cid typed = Cid::of(atproto::Codec::raw, as_bytes("one"));
    const Cid legacy = Cid::of(atproto::Codec::raw, as_bytes("two"));
    const Object blob{{"$type", "blob"}, {"ref", typed}, {"mimeType", "image/png"}, {"size", 3}};
    const Object old_blob{{"cid", legacy.text()}, {"mimeType", "image/png"}};
    const Whole whole = must(read(
        repo_car(ann, {{"app.bsky.graph.follow/1", {{"subject", ann.text()}}},
                       {"test.roost.note/1", {{"list", atproto::Array{blob, old_blob, blob}}}}})));
    ASSERT_EQ(whole.records.size(), 2U);
    EXPECT_EQ(whole.records[0].subject, ann.text());
    EXPECT_EQ(whole.records[1].blobs, (std::vector{typed, legacy, typed}));
    EXPECT_EQ(whole.records[1].subject, std::nullopt);
}

TEST(ImportReader, RefusesAFileThatIsCutOffAnywhere) {
    const Bytes car = repo_car(ann, notes(30));
    for (std::size_t size = 0; size < car.size(); size += 7)
        EXPECT_NE(refusal_of(Bytes(car.begin(), car.begin() + static_cast<long>(size))), "accepted")
            << size;
}

TEST(ImportReader, RefusesABlockThatIsNotWhatItsCidSays) {
    Bytes car = repo_car(ann, notes(30));
    car[car.size() / 2] ^= 1;
    EXPECT_NE(refusal_of(car), "accepted");
    car = repo_car(ann, notes(30));
    car.back() ^= 1;
    EXPECT_TRUE(contains(refusal_of(car), "is not what its CID says"));
}

TEST(ImportReader, EqualBlocksAndForeignOnesDoNoHarm) {
    const testing::RepoBlocks made = testing::blocks_of(notes(10));
    atproto::Blocks blocks = made.nodes;
    std::ranges::copy(made.records, std::back_inserter(blocks));
    const atproto::Block foreign = block_of(Object{{"foreign", 1}});
    for (int i = 0; i < 60'000; ++i)
        blocks.push_back(i % 2 == 0 ? foreign : made.records[0]);
    const Whole whole = must(read(car_with_root(ann, made.data, blocks, testing::early_rev())));
    EXPECT_EQ(whole.records.size(), 10U);
    blocks.resize(100'001, foreign);
    EXPECT_TRUE(contains(refusal_of(car_with_root(ann, made.data, blocks, testing::early_rev())),
                         "more than 100000 blocks"));
}

TEST(ImportReader, NamesABlockThatIsMissing) {
    const testing::RepoBlocks made = testing::blocks_of(notes(100));
    for (std::size_t gone = 0; gone < 100; gone += 9) {
        atproto::Blocks blocks = made.nodes;
        std::ranges::copy(made.records, std::back_inserter(blocks));
        const Cid cid = made.records[gone].cid;
        std::erase_if(blocks, [&](const atproto::Block& block) { return block.cid == cid; });
        const std::string refusal =
            refusal_of(car_with_root(ann, made.data, blocks, testing::early_rev()));
        EXPECT_TRUE(contains(refusal, cid.text())) << refusal;
    }
    for (const atproto::Block& node : made.nodes) {
        atproto::Blocks blocks = made.nodes;
        std::ranges::copy(made.records, std::back_inserter(blocks));
        std::erase_if(blocks, [&](const atproto::Block& block) { return block.cid == node.cid; });
        const std::string refusal =
            refusal_of(car_with_root(ann, made.data, blocks, testing::early_rev()));
        EXPECT_TRUE(contains(refusal, node.cid.text())) << refusal;
    }
}

TEST(ImportReader, RefusesAnotherAccountsRepository) {
    const auto bob = testing::did_of("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb");
    const std::string refusal = refusal_of(repo_car(bob, notes(3)));
    EXPECT_TRUE(contains(refusal, bob.text()) && contains(refusal, ann.text())) << refusal;
}

TEST(ImportReader, RefusesARootThatIsNoCommit) {
    const atproto::Block other = block_of(Object{{"did", ann.text()}, {"version", 3}});
    EXPECT_NE(refusal_of(atproto::write_car(other.cid, {other})), "accepted");
    EXPECT_TRUE(contains(refusal_of(atproto::write_car(other.cid, {})), other.cid.text()));
    const Bytes raw(3, 1);
    const Cid cid = Cid::of(atproto::Codec::raw, raw);
    EXPECT_TRUE(contains(refusal_of(atproto::write_car(cid, {{cid, raw}})), "is not a commit"));
}

TEST(ImportReader, RefusesKeysOutOfOrderAndOfWrongLayers) {
    const atproto::Block record = block_of(Object{{"a", 1}});
    const std::string low = key_of_layer(0), high = key_of_layer(1);
    Node unsorted{std::nullopt,
                  {{"test.roost.note/b", record.cid, {}}, {"test.roost.note/a", record.cid, {}}}};
    EXPECT_TRUE(contains(refusal_of(car_of_node(unsorted, {record})), "not in order"));
    Node mixed{std::nullopt, {{low, record.cid, {}}, {high, record.cid, {}}}};
    std::ranges::sort(mixed.entries, {}, &atproto::mst::NodeEntry::key);
    EXPECT_TRUE(contains(refusal_of(car_of_node(mixed, {record})), "not of one layer"));

    // A subtree that stands two layers down, and one that stands nowhere near its keys.
    const Node bottom{std::nullopt, {{low, record.cid, {}}}};
    const atproto::Block bottom_block = block_of(bottom);
    const Node above{bottom_block.cid, {{key_of_layer(2), record.cid, {}}}};
    EXPECT_NE(refusal_of(car_of_node(above, {record, bottom_block})), "accepted");
    Node twice{bottom_block.cid, {{high, record.cid, bottom_block.cid}}};
    EXPECT_NE(refusal_of(car_of_node(twice, {record, bottom_block})), "accepted");
}

TEST(ImportReader, RefusesAChainOfThirtyThousandNodes) {
    const atproto::Block record = block_of(Object{{"a", 1}});
    atproto::Blocks blocks{record,
                           block_of(Node{std::nullopt, {{key_of_layer(0), record.cid, {}}}})};
    for (int i = 0; i < 30'000; ++i)
        blocks.push_back(block_of(Node{blocks.back().cid, {}}));
    EXPECT_NE(refusal_of(car_with_root(ann, blocks.back().cid, blocks, testing::early_rev())),
              "accepted");
    // Below a root with a key, so that the layers are known.
    blocks.push_back(block_of(Node{blocks.back().cid, {{key_of_layer(3), record.cid, {}}}}));
    EXPECT_NE(refusal_of(car_with_root(ann, blocks.back().cid, blocks, testing::early_rev())),
              "accepted");
}

TEST(ImportReader, RefusesRecordsThatCouldNotBeServed) {
    const auto one = [](std::string key, const atproto::Block& block) {
        return car_of_node(Node{std::nullopt, {{std::move(key), block.cid, {}}}}, {block});
    };
    const atproto::Block good = block_of(Object{{"a", 1}});
    EXPECT_EQ(refusal_of(one("test.roost.note/a", good)), "accepted") << "without a $type";
    for (const char* key : {"note/a", "1test.roost.note/a", "test.roost.no-te/a"})
        EXPECT_TRUE(contains(refusal_of(one(key, good)), key)) << key;
    EXPECT_NE(refusal_of(one("test.roost.note/" + std::string(513, 'a'), good)), "accepted");

    EXPECT_TRUE(contains(refusal_of(one("test.roost.note/a", block_of(atproto::Array{1, 2}))),
                         "is not an object"));
    const auto of_bytes = [](Bytes bytes, atproto::Codec codec) {
        const Cid cid = Cid::of(codec, bytes);
        return atproto::Block{cid, std::move(bytes)};
    };
    // A float, a key twice, a number that is longer than need be.
    for (const Bytes& bytes :
         {Bytes{0xa1, 0x61, 'a', 0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0},
          Bytes{0xa2, 0x61, 'a', 1, 0x61, 'a', 2}, Bytes{0xa1, 0x61, 'a', 0x18, 1}})
        EXPECT_NE(refusal_of(one("test.roost.note/a", of_bytes(bytes, atproto::Codec::dag_cbor))),
                  "accepted");
    EXPECT_NE(refusal_of(one("test.roost.note/a", of_bytes(good.bytes, atproto::Codec::raw))),
              "accepted");
    const atproto::Block large =
        block_of(Object{{"text", std::string(limits::record_bytes_max, 'a')}});
    EXPECT_TRUE(contains(refusal_of(one("test.roost.note/a", large)), "too large"));
}

// A small file must not become a large repository.
TEST(ImportReader, CountsABlockForEachKeyThatNamesIt) {
    const atproto::Object record{{"text", std::string(1'000, 'a')}};
    testing::Records records;
    for (int i = 0; i < 100; ++i)
        records.emplace("test.roost.note/" + std::to_string(i), record);
    EXPECT_EQ(refusal_of(repo_car(ann, records), 110'000), "accepted");
    EXPECT_TRUE(contains(refusal_of(repo_car(ann, records), 90'000), "more than an import"));
}

}  // namespace
}  // namespace roost::pds
