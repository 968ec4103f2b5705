// For tests: repositories as CAR files, also such as nobody should have made.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "atproto/crypto/keys.h"
#include "atproto/data/cbor.h"
#include "atproto/mst/node.h"
#include "atproto/mst/tree.h"
#include "atproto/repo/car.h"
#include "atproto/repo/car_blocks.h"
#include "atproto/repo/commit.h"
#include "base/check.h"

namespace roost::pds::testing {

using Records = std::map<std::string, atproto::Object>;  // by key

inline atproto::Block block_of(const atproto::Value& value) {
    Bytes bytes = atproto::cbor::encode(value);
    const atproto::Cid cid = atproto::Cid::of(atproto::Codec::dag_cbor, bytes);
    return {cid, std::move(bytes)};
}
inline atproto::Block block_of(const atproto::mst::Node& node) {
    Bytes bytes = atproto::mst::encode_node(node);
    const atproto::Cid cid = atproto::Cid::of(atproto::Codec::dag_cbor, bytes);
    return {cid, std::move(bytes)};
}

// The commit comes first, then these blocks.
inline Bytes car_with_root(const atproto::Did& did, const atproto::Cid& data,
                           const atproto::Blocks& blocks, const atproto::Tid& rev) {
    static const auto key = atproto::PrivateKey::generate(atproto::Curve::p256);
    const atproto::Block commit = atproto::signed_commit_block(did, data, rev, key);
    Bytes car = atproto::write_car(commit.cid, {commit});
    for (const atproto::Block& block : blocks)
        atproto::append_car_block(car, block.cid, block.bytes);
    return car;
}

struct RepoBlocks {
    atproto::Cid data;
    atproto::Blocks nodes;
    atproto::Blocks records;
};
inline RepoBlocks blocks_of(const Records& records) {
    std::vector<atproto::mst::KeyValue> pairs;
    RepoBlocks made{atproto::mst::Tree().root(), {}, {}};
    for (const auto& [key, record] : records) {
        made.records.push_back(block_of(record));
        pairs.push_back({key, made.records.back().cid});
    }
    auto tree = atproto::mst::build_tree(pairs);
    check(tree.has_value(), "a test's tree can be built");
    made.data = tree->root();
    made.nodes = atproto::mst::nodes_in_memory(*tree);
    return made;
}

inline atproto::Tid early_rev() {
    return atproto::Tid::from(Timestamp{1'600'000'000'000'000}, 7);
}

// With the records first and the tree after them, as no walk would ask for them.
inline Bytes repo_car(const atproto::Did& did, const Records& records,
                      const atproto::Tid& rev = early_rev()) {
    const RepoBlocks made = blocks_of(records);
    atproto::Blocks blocks = made.records;
    std::ranges::copy(made.nodes, std::back_inserter(blocks));
    std::ranges::reverse(blocks);
    return car_with_root(did, made.data, blocks, rev);
}

inline Records notes(int count, std::string_view text = "note") {
    Records records;
    for (int i = 0; i < count; ++i)
        records.emplace("test.roost.note/" + std::to_string(1'000'000 + i),
                        atproto::Object{{"$type", "test.roost.note"},
                                        {"text", std::string(text) + std::to_string(i)}});
    return records;
}

class MemoryContent final : public atproto::CarContent {
  public:
    Bytes bytes;
    Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) override {
        check(offset <= bytes.size() && out.size() <= bytes.size() - offset,
              "what is read has come");
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
        return {};
    }
};

}  // namespace roost::pds::testing
