#include "atproto/mst/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "atproto/mst/node.h"

namespace roost::atproto::mst {
namespace {

const Cid empty_root = *Cid::parse("bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm");

std::vector<KeyValue> pairs_of(std::vector<std::string> keys) {
    std::ranges::sort(keys);
    std::vector<KeyValue> pairs;
    for (const std::string& key : keys)
        pairs.push_back({key, empty_root});
    return pairs;
}

std::vector<std::string> numbered_keys(int count) {
    std::vector<std::string> keys;
    for (int i = 0; i < count; ++i) {
        char key[32];
        std::snprintf(key, sizeof key, "app.test.rec/k%06d", i);
        keys.emplace_back(key);
    }
    return keys;
}

std::string root_of(std::vector<std::string> keys) {
    return build_tree(pairs_of(std::move(keys)))->root.text();
}

// Walks the tree and collects its keys; checks that each node is strict and one layer down.
class Walk {
  public:
    explicit Walk(const Tree& tree) {
        for (const Block& block : tree.nodes) {
            EXPECT_EQ(Cid::of(Codec::dag_cbor, block.bytes), block.cid);
            nodes_.emplace(block.cid, &block.bytes);
        }
        visit(tree.root, std::nullopt);
        EXPECT_EQ(visited_, tree.nodes.size());
    }
    std::vector<std::string> keys;

  private:
    void visit(const Cid& cid, std::optional<int> layer) {
        ASSERT_TRUE(nodes_.contains(cid));
        ++visited_;
        const Result<Node> node = decode_node(*nodes_.at(cid));
        ASSERT_TRUE(node) << node.error().message;
        if (!node->entries.empty()) {
            const int own_layer = key_layer(node->entries[0].key);
            EXPECT_EQ(layer.value_or(own_layer), own_layer);
            layer = own_layer;
        }
        const auto below = layer ? std::optional(*layer - 1) : std::nullopt;
        if (node->left) visit(*node->left, below);
        for (const NodeEntry& entry : node->entries) {
            keys.push_back(entry.key);
            if (entry.right) visit(*entry.right, below);
        }
    }

    std::map<Cid, const Bytes*> nodes_;
    std::size_t visited_ = 0;
};

TEST(MstTree, TheEmptyTreeIsTheKnownOne) {
    const Result<Tree> tree = build_tree({});
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->root, empty_root);
    ASSERT_EQ(tree->nodes.size(), 1U);
    EXPECT_EQ(tree->nodes[0].cid, empty_root);
    EXPECT_EQ(tree->nodes[0].bytes, encode_node({}));
}

// The roots that another implementation finds for the same keys, each with the empty tree's CID.
TEST(MstTree, HasTheKnownRoots) {
    EXPECT_EQ(root_of(numbered_keys(1)),
              "bafyreieih5tqpqmrceeuepuvqpgxryy2bxwfz7hscchctcwcem7axhegfa");
    EXPECT_EQ(root_of(numbered_keys(10)),
              "bafyreibrkxpcmgyvleyd6bzgv7cma5u32zyw6qrsvlesao2dnvv7qicdt4");
    EXPECT_EQ(root_of(numbered_keys(200)),
              "bafyreie7g7aoswnwciuepwfhszf7x2oujn37tfsqlfwucx5syhob2ssnqa");
    EXPECT_EQ(root_of(numbered_keys(3000)),
              "bafyreic6c5bpi7xhealph6m2i7nnw7xmdqqdmb4v5upegvlffrxu7nja7a");
    // Layers 8 and 4: three empty nodes between.
    EXPECT_EQ(root_of({"app.bsky.feed.post/454397e440ec", "app.bsky.feed.post/9adeb165882c"}),
              "bafyreifyeioewgzagqryy52qdgcfjikpyr7zekeiwuzbfm2negvq5nams4");
}

TEST(MstTree, EmptyNodesFillAGapOfLayers) {
    const Result<Tree> tree = build_tree(
        pairs_of({"app.bsky.feed.post/454397e440ec", "app.bsky.feed.post/9adeb165882c"}));
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->nodes.size(), 5U);
    EXPECT_EQ(tree->nodes[0].cid, tree->root);
    for (std::size_t i = 1; i < 4; ++i) {
        const Result<Node> node = decode_node(tree->nodes[i].bytes);
        ASSERT_TRUE(node);
        EXPECT_TRUE(node->entries.empty());
        EXPECT_EQ(node->left, tree->nodes[i + 1].cid);
    }
}

TEST(MstTree, HoldsItsKeysInOrder) {
    for (const int count : {0, 1, 2, 5, 50, 500, 5000}) {
        const std::vector<KeyValue> pairs = pairs_of(numbered_keys(count));
        const Result<Tree> tree = build_tree(pairs);
        ASSERT_TRUE(tree);
        EXPECT_EQ(tree->nodes[0].cid, tree->root);
        const Walk walk(*tree);
        ASSERT_EQ(walk.keys.size(), pairs.size());
        for (std::size_t i = 0; i < pairs.size(); ++i)
            EXPECT_EQ(walk.keys[i], pairs[i].key);
    }
}

TEST(MstTree, RefusesWrongKeys) {
    const auto refuses = [](std::vector<std::string> keys) {
        std::vector<KeyValue> pairs;
        for (const std::string& key : keys)
            pairs.push_back({key, empty_root});
        const Result<Tree> tree = build_tree(pairs);
        return !tree && tree.error().name == "InvalidKey";
    };
    EXPECT_FALSE(refuses({"a/a", "a/b"}));
    EXPECT_TRUE(refuses({"a/b", "a/a"}));
    EXPECT_TRUE(refuses({"a/a", "a/a"}));
    EXPECT_TRUE(refuses({"a/a", "b"}));
    EXPECT_TRUE(refuses({""}));
}

}  // namespace
}  // namespace roost::atproto::mst
