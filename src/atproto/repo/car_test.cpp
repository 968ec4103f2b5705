#include "atproto/repo/car.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "atproto/data/cbor.h"
#include "atproto/limits.h"

namespace roost::atproto {
namespace {

constexpr CarBounds wide = {.bytes_max = 100'000'000, .blocks_max = 100'000};

Block block_of(const Bytes& content, Codec codec = Codec::raw) {
    return {Cid::of(codec, content), content};
}

Blocks example_blocks() {
    Blocks blocks;
    for (const std::size_t size : {0, 1, 90, 91, 92, 300, 20'000})
        blocks.push_back(block_of(Bytes(size, 7)));
    blocks.push_back(block_of(cbor::encode(Object{{"a", 1}}), Codec::dag_cbor));
    blocks.push_back(blocks[2]);  // a file may repeat a block
    return blocks;
}

Bytes example_car() {
    return write_car(example_blocks()[0].cid, example_blocks());
}

// A whole file, read in pieces of that size.
Result<Blocks> read(ByteView car, std::size_t piece_size, CarBounds bounds = wide) {
    CarReader reader(bounds);
    Blocks blocks;
    while (!car.empty()) {
        const std::size_t size = std::min(piece_size, car.size());
        TRY(reader.feed(car.first(size)));
        car = car.subspan(size);
        while (std::optional<Block> block = TRY(reader.next()))
            blocks.push_back(std::move(*block));
    }
    TRY(reader.finish());
    return blocks;
}

std::string refusal_of(const Bytes& car, CarBounds bounds = wide) {
    const Result<Blocks> whole = read(car, car.size() + 1, bounds);
    const Result<Blocks> by_bytes = read(car, 1, bounds);
    EXPECT_EQ(whole.has_value(), by_bytes.has_value());
    if (whole || by_bytes) return "accepted";
    EXPECT_EQ(whole.error(), by_bytes.error());
    return whole.error().message;
}

// A header of these bytes, with its length before it.
Bytes with_header(const Value& header) {
    const Bytes bytes = cbor::encode(header);
    Bytes car = {static_cast<std::uint8_t>(bytes.size())};
    append(car, bytes);
    return car;
}

Bytes good_header() {
    Bytes car;
    append_car_header(car, Cid::of(Codec::raw, {}));
    return car;
}

TEST(Car, RoundTripsInPiecesOfAnySize) {
    const Bytes car = example_car();
    for (const std::size_t piece_size : {1, 2, 7, 37, 100, 4096, 1'000'000}) {
        const Result<Blocks> blocks = read(car, piece_size);
        ASSERT_TRUE(blocks) << piece_size << blocks.error().message;
        EXPECT_EQ(*blocks, example_blocks());
    }
}

TEST(Car, TheHeaderIsTheGenericEncodersAndNamesTheRoot) {
    const Cid root = Cid::of(Codec::dag_cbor, as_bytes("root"));
    Bytes car;
    append_car_header(car, root);
    EXPECT_EQ(car, with_header(Object{{"version", 1}, {"roots", Array{root}}}));
    CarReader reader(wide);
    EXPECT_TRUE(reader.roots().empty());
    ASSERT_TRUE(reader.feed(car));
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.roots(), std::vector{root});
    EXPECT_TRUE(reader.finish());
}

TEST(Car, EveryTruncationIsRefusedExceptBetweenBlocks) {
    const Bytes car = example_car();
    std::vector<std::size_t> whole = {};
    Bytes built;
    append_car_header(built, example_blocks()[0].cid);
    whole.push_back(built.size());
    for (const Block& block : example_blocks()) {
        append_car_block(built, block.cid, block.bytes);
        whole.push_back(built.size());
    }
    for (std::size_t size = 0; size <= car.size(); size += size < 1000 ? 1 : 97) {
        const Result<Blocks> blocks = read(ByteView(car).first(size), 64);
        EXPECT_EQ(blocks.has_value(), std::ranges::find(whole, size) != whole.end()) << size;
    }
    EXPECT_TRUE(read(car, 64));
}

TEST(Car, RefusesABlockThatIsNotItsCid) {
    const Cid cid = Cid::of(Codec::raw, as_bytes("one"));
    Bytes car = good_header();
    append_car_block(car, cid, as_bytes("two"));
    EXPECT_EQ(refusal_of(car), "a block of the CAR file is not what its CID says: " + cid.text());
}

TEST(Car, RefusesWrongHeaders) {
    const Cid cid = Cid::of(Codec::raw, {});
    const std::string wrong = "the file does not begin with the header of a CAR file of version 1";
    EXPECT_EQ(refusal_of(with_header(Object{{"version", 1}, {"roots", Array{cid, cid}}})),
              "accepted");
    EXPECT_EQ(refusal_of(with_header(Object{{"version", 2}, {"roots", Array{cid}}})), wrong);
    EXPECT_EQ(refusal_of(with_header(Object{{"version", "1"}, {"roots", Array{cid}}})), wrong);
    EXPECT_EQ(refusal_of(with_header(Object{{"roots", Array{cid}}})), wrong);
    EXPECT_EQ(refusal_of(with_header(Object{{"version", 1}, {"roots", cid}})), wrong);
    EXPECT_EQ(refusal_of(with_header(Object{{"version", 1}, {"roots", Array{cid}}, {"x", 1}})),
              wrong);
    EXPECT_EQ(refusal_of(with_header("text")), wrong);
    EXPECT_EQ(refusal_of({0}), wrong);
    EXPECT_EQ(refusal_of({2, 0xff, 0xff}), wrong);
    EXPECT_EQ(refusal_of(with_header(Object{{"version", 1}, {"roots", Array{}}})),
              "the CAR file has no root, or too many");
    EXPECT_EQ(refusal_of(with_header(Object{{"version", 1}, {"roots", Array{1}}})),
              "a root of the CAR file is not a CID");
    EXPECT_EQ(refusal_of({}), "the CAR file ends too early");
}

TEST(Car, RefusesWrongLengths) {
    const auto after_header = [](const Bytes& more) {
        Bytes car = good_header();
        append(car, more);
        return refusal_of(car);
    };
    EXPECT_EQ(after_header({0x80, 0x00}), "a length in the CAR file is not minimal");
    EXPECT_EQ(after_header({0xa4, 0x80, 0x00}), "a length in the CAR file is not minimal");
    EXPECT_EQ(after_header({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}),
              "a length in the CAR file is beyond all bounds");
    EXPECT_EQ(after_header({0xff, 0xff, 0xff, 0x7f}),
              "the CAR file has a section larger than 2097188 bytes");
    EXPECT_EQ(after_header({0x00}), "a block of the CAR file has no CID");
    EXPECT_EQ(after_header({0x01, 0x01}), "a block of the CAR file has no CID");
    Bytes other_version = {36};
    append(other_version, Bytes(36, 2));
    EXPECT_TRUE(after_header(other_version).starts_with("a block of the CAR file: "));
    EXPECT_EQ(refusal_of({0x81, 0x08}), "the CAR file has a section larger than 1024 bytes");
}

TEST(Car, TakesTheLargestBlockAndNoLarger) {
    const Block largest = block_of(Bytes(limits::car_block_bytes_max, 1));
    const Result<Blocks> blocks = read(write_car(largest.cid, {largest}), 65536);
    ASSERT_TRUE(blocks);
    EXPECT_EQ(*blocks, Blocks{largest});
    const Block larger = block_of(Bytes(limits::car_block_bytes_max + 1, 1));
    const Result<Blocks> refused = read(write_car(larger.cid, {larger}), 65536);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::payload_too_large);
}

TEST(Car, CountsBytesAndBlocks) {
    const Bytes car = example_car();
    EXPECT_EQ(refusal_of(car, {.bytes_max = car.size(), .blocks_max = 9}), "accepted");
    EXPECT_EQ(refusal_of(car, {.bytes_max = car.size(), .blocks_max = 8}),
              "the CAR file has more than 8 blocks");
    EXPECT_EQ(refusal_of(car, {.bytes_max = car.size() - 1, .blocks_max = 9}),
              "the CAR file is larger than " + std::to_string(car.size() - 1) + " bytes");
    EXPECT_EQ(read(car, 10, {.bytes_max = 100, .blocks_max = 9}).error().fault,
              Fault::payload_too_large);
}

TEST(Car, StaysRefused) {
    CarReader reader(wide);
    ASSERT_TRUE(reader.feed(Bytes{1, 0xff}));
    const Result<std::optional<Block>> first = reader.next();
    ASSERT_FALSE(first);
    EXPECT_EQ(reader.feed(example_car()).error(), first.error());
    EXPECT_EQ(reader.next().error(), first.error());
    EXPECT_EQ(reader.finish().error(), first.error());
}

}  // namespace
}  // namespace roost::atproto
