// What an import lets through is a repository that can be stored: its tree is the one that its
// records make, and each record is what its CID says.
//
// The input is a CAR file; and it is a file of our own making, as no change of a file hits upon
// hashes that match: blocks, each after its length in two bytes, the last of them the root. A link
// whose digest begins with the number of an earlier block is made to lead there.
#include <algorithm>
#include <iterator>
#include <vector>

#include "atproto/mst/tree.h"
#include "base/check.h"
#include "pds/repos/import_reader.h"
#include "pds/repos/testing.h"

namespace {

using roost::append;
using roost::Bytes;
using roost::ByteView;
using roost::check;
using roost::Result;
namespace atproto = roost::atproto;
namespace mst = roost::atproto::mst;

constexpr std::uint64_t bytes_max = 1 << 20;
constexpr std::size_t blocks_max = 100;
// Tag 42, 37 bytes, a zero, then the CID of a dag-cbor block up to its digest.
constexpr std::uint8_t link_begin[] = {0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x71, 0x12, 0x20};

Result<void> import(ByteView car) {
    roost::pds::testing::MemoryContent content;
    atproto::CarBlocks blocks(content, {.bytes_max = bytes_max, .blocks_max = blocks_max});
    while (!car.empty()) {
        const ByteView piece = car.first(std::min<std::size_t>(car.size(), 1'000));
        car = car.subspan(piece.size());
        append(content.bytes, piece);
        TRY(blocks.feed(piece));
    }
    TRY(blocks.finish());
    static const atproto::Did did = *atproto::Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
    roost::pds::ImportSource source(blocks);
    auto reader = TRY(roost::pds::ImportReader::open(source, did, bytes_max));
    check(reader.commit().did == did, "a repository is read by its owner");
    std::vector<mst::KeyValue> records;
    while (true) {
        const roost::pds::ImportPiece piece = TRY(reader.next());
        if (piece.is_empty()) break;
        for (const auto& record : piece.records) {
            check(atproto::Cid::of(atproto::Codec::dag_cbor, record.value) == record.cid,
                  "a record is what its CID says");
            records.push_back({record.key, record.cid});
        }
    }
    const auto tree = mst::build_tree(records);
    check(tree.has_value(), "the records are in order");
    check(tree->root() == reader.commit().data, "the records make the tree");
    return {};
}

void link_up(Bytes& content, const atproto::Blocks& earlier) {
    auto at = content.begin();
    while (true) {
        at = std::search(at, content.end(), std::begin(link_begin), std::end(link_begin));
        if (content.end() - at < 9 + 32) return;
        at += 9;
        if (*at < earlier.size()) std::ranges::copy(earlier[*at].cid.digest(), at);
    }
}

Bytes make_car(ByteView input) {
    atproto::Blocks blocks;
    while (input.size() >= 2 && blocks.size() < blocks_max) {
        const std::size_t size = std::min<std::size_t>(
            static_cast<std::size_t>(input[0]) << 8 | input[1], input.size() - 2);
        Bytes content(input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(size));
        input = input.subspan(2 + size);
        link_up(content, blocks);
        blocks.push_back({atproto::Cid::of(atproto::Codec::dag_cbor, content), std::move(content)});
    }
    if (blocks.empty()) return {};
    return atproto::write_car(blocks.back().cid, blocks);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    (void)import(bytes);
    (void)import(make_car(bytes));
    return 0;
}
