// Where the pieces of a CAR file are cut does not matter, and every block that is read has its CID.
// The input is a file; and it is the contents of the blocks of a file of our own, one per line.
#include <algorithm>
#include <vector>

#include "atproto/repo/car.h"
#include "base/check.h"

namespace {

using roost::ByteView;
using roost::atproto::Block;
using roost::atproto::CarReader;
using roost::atproto::Cid;

struct Outcome {
    std::vector<Cid> roots;
    std::vector<Block> blocks;
    bool is_whole = false;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

bool drain(CarReader& reader, Outcome& outcome) {
    while (true) {
        auto block = reader.next();
        if (!block) return false;
        if (!block->has_value()) return true;
        outcome.blocks.push_back(**std::move(block));
    }
}

Outcome read(ByteView bytes, std::size_t piece_size) {
    CarReader reader({.bytes_max = 1 << 20, .blocks_max = 100});
    Outcome outcome;
    while (!bytes.empty()) {
        const ByteView piece = bytes.first(std::min(piece_size, bytes.size()));
        bytes = bytes.subspan(piece.size());
        if (!reader.feed(piece) || !drain(reader, outcome)) return outcome;
    }
    outcome.is_whole = reader.finish().has_value();
    outcome.roots = reader.roots();
    return outcome;
}

Outcome try_file(ByteView bytes) {
    const std::size_t size = std::max<std::size_t>(bytes.size(), 1);
    Outcome whole = read(bytes, size);
    // Half a file, and so few bytes that lengths and CIDs are cut, but not too many pieces.
    for (const std::size_t piece_size : {size / 2 + 1, size / 200 + 1})
        roost::check(whole == read(bytes, piece_size), "where it is cut does not matter");
    for (const Block& block : whole.blocks)
        roost::check(Cid::of(block.cid.codec(), block.bytes) == block.cid,
                     "a block that is read has its CID");
    return whole;
}

void try_contents(ByteView bytes) {
    roost::atproto::Blocks blocks;
    while (!bytes.empty()) {
        const auto line_end = std::ranges::find(bytes, '\n');
        const auto line_size = static_cast<std::size_t>(line_end - bytes.begin());
        const ByteView content = bytes.first(line_size);
        blocks.push_back({Cid::of(roost::atproto::Codec::raw, content),
                          roost::Bytes(content.begin(), content.end())});
        bytes = bytes.subspan(std::min(line_size + 1, bytes.size()));
    }
    if (blocks.empty() || blocks.size() > 100) return;
    const Outcome outcome = try_file(roost::atproto::write_car(blocks.front().cid, blocks));
    roost::check(outcome.is_whole && outcome.blocks == blocks, "what is written is read");
    roost::check(outcome.roots == std::vector{blocks.front().cid}, "so is the root");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    try_file(bytes);
    try_contents(bytes);
    return 0;
}
