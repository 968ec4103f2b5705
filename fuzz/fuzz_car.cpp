// A CAR file read in two pieces gives the same as read in one, and every block has its CID.
#include <vector>

#include "atproto/repo/car.h"
#include "base/check.h"

namespace {

using roost::atproto::Block;
using roost::atproto::CarReader;

struct Outcome {
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

Outcome read(roost::ByteView bytes, std::size_t cut) {
    CarReader reader({.bytes_max = 1 << 20, .blocks_max = 1'000});
    Outcome outcome;
    for (const roost::ByteView piece : {bytes.first(cut), bytes.subspan(cut)})
        if (!reader.feed(piece) || !drain(reader, outcome)) return outcome;
    outcome.is_whole = reader.finish().has_value();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const roost::ByteView bytes(data, size);
    const Outcome whole = read(bytes, 0);
    const Outcome halves = read(bytes, size / 2);
    roost::check(whole == halves, "where the pieces are cut does not matter");
    for (const Block& block : whole.blocks)
        roost::check(roost::atproto::Cid::of(block.cid.codec(), block.bytes) == block.cid,
                     "a block that is read has its CID");
    return 0;
}
