// For tests: random histories of a tree, a model of it, and a store that finds nodes by place.
#pragma once

#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "atproto/mst/edit.h"
#include "atproto/mst/node.h"
#include "atproto/mst/tree.h"
#include "base/check.h"

namespace roost::atproto::mst::testing {

using Random = std::mt19937_64;
using Model = std::map<std::string, Cid>;

inline std::size_t below(Random& random, std::size_t bound) {
    return static_cast<std::size_t>(random() % bound);
}

inline Cid cid_number(std::uint64_t number) {
    return Cid::of(Codec::dag_cbor, as_bytes(std::to_string(number)));
}

inline std::string numbered_key(int number) {
    char key[32];
    std::snprintf(key, sizeof key, "app.test.rec/k%06d", number);
    return key;
}

inline std::vector<std::string> numbered_keys(int count) {
    std::vector<std::string> keys;
    for (int i = 0; i < count; ++i)
        keys.push_back(numbered_key(i));
    return keys;
}

// Keys as an attacker would choose them: of that layer at least, spread over the key space.
inline std::vector<std::string> mined_keys(int layer_min, std::size_t count) {
    std::vector<std::string> keys;
    for (int i = 0; keys.size() < count; ++i) {
        std::string key = numbered_key(i * 7919 % 1'000'000);
        if (key_layer(key) >= layer_min) keys.push_back(std::move(key));
    }
    return keys;
}

// Mostly ordinary keys, close together, and some of high layers.
inline std::vector<std::string> mixed_keys(int ordinary, std::size_t mined) {
    std::vector<std::string> keys = numbered_keys(ordinary);
    for (std::string& key : mined_keys(4, mined))
        keys.push_back(std::move(key));
    return keys;
}

inline Tree tree_of(const Model& model, std::uint64_t stamp = 0) {
    std::vector<KeyValue> pairs;
    for (const auto& [key, value] : model)
        pairs.push_back({key, value});
    Result<Tree> tree = build_tree(pairs, stamp);
    check(tree.has_value(), "the model's tree can be built");
    return *std::move(tree);
}

// Holds the nodes of one tree by their place, and insists that what is asked for is there.
class PlaceStore : public NodeSource {
  public:
    using Key = std::pair<int, std::string>;
    struct Entry {
        Cid cid;
        Bytes bytes;
        std::uint64_t stamp;
    };

    Result<StoredNode> load(const NodePlace& place) override {
        ++loads;
        const auto found = entries.find({place.layer, std::string(place.left)});
        check(found != entries.end(), "a node is asked for where one is");
        check(found->second.cid == place.cid, "the node at a place is the one that is asked for");
        return StoredNode{found->second.bytes, found->second.stamp};
    }
    void apply(const Edit& edit, const Tree& after, std::optional<std::uint64_t> since) {
        for (const Edit::Place& place : edit.left_places())
            entries.erase({place.layer, place.left});
        for (NewNode& node : after.new_nodes(since))
            entries.insert_or_assign(Key{node.place.layer, std::string(node.place.left)},
                                     Entry{node.place.cid, std::move(node.bytes), node.stamp});
    }

    std::map<Key, Entry> entries;
    int loads = 0;
};

}  // namespace roost::atproto::mst::testing
