#include "atproto/mst/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "atproto/mst/cursor.h"
#include "atproto/mst/node.h"
#include "atproto/mst/testing.h"

namespace roost::atproto::mst {
namespace {

using testing::below;
using testing::cid_number;
using testing::mixed_keys;
using testing::Model;
using testing::numbered_keys;
using testing::Random;
using testing::tree_of;

const Cid empty_root = *Cid::parse("bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm");

Tree tree_of_keys(const std::vector<std::string>& keys) {
    Model model;
    for (const std::string& key : keys)
        model.emplace(key, empty_root);
    return tree_of(model);
}

std::string root_of(const std::vector<std::string>& keys) {
    return tree_of_keys(keys).root().text();
}

// Memory differs a little by how a node came to be.
void expect_alike(std::size_t a, std::size_t b) {
    EXPECT_GT(a, b / 3 * 2);
    EXPECT_GT(b, a / 3 * 2);
}

// A tree of some hundred keys, a few of high layers, and its nodes.
struct Example {
    Example() {
        for (const std::string& key : mixed_keys(800, 20))
            model.emplace(key, cid_number(model.size()));
        tree = tree_of(model);
        blocks = nodes_in_memory(tree);
    }
    Model model;
    Tree tree;
    Blocks blocks;
};

TEST(MstTree, TheEmptyTreeIsTheKnownOne) {
    const Tree tree;
    EXPECT_EQ(tree.root(), empty_root);
    EXPECT_EQ(tree.layer(), 0);
    EXPECT_EQ(tree_of({}).root(), empty_root);
    const Blocks nodes = nodes_in_memory(tree);
    ASSERT_EQ(nodes.size(), 1U);
    EXPECT_EQ(nodes[0].cid, empty_root);
    EXPECT_EQ(nodes[0].bytes, encode_node({}));
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
    const Tree tree =
        tree_of_keys({"app.bsky.feed.post/454397e440ec", "app.bsky.feed.post/9adeb165882c"});
    EXPECT_EQ(tree.layer(), 8);
    const Blocks nodes = nodes_in_memory(tree);
    ASSERT_EQ(nodes.size(), 5U);
    EXPECT_EQ(nodes[0].cid, tree.root());
    for (std::size_t i = 1; i < 4; ++i) {
        const Result<Node> node = decode_node(nodes[i].bytes);
        ASSERT_TRUE(node);
        EXPECT_TRUE(node->entries.empty());
        EXPECT_EQ(node->left, nodes[i + 1].cid);
    }
}

TEST(MstTree, RefusesWrongKeys) {
    const auto refuses = [](const std::vector<std::string>& keys) {
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

TEST(MstTree, LoadsOnlyThePathOfAKeyAndRemembersIt) {
    const Example example;
    struct Counting : BlockSource {
        using BlockSource::BlockSource;
        Result<StoredNode> load(const NodePlace& place) override {
            ++loads;
            return BlockSource::load(place);
        }
        int loads = 0;
    } source(example.blocks);
    const Tree lazy(example.tree.root());
    const Tree copy = lazy;
    EXPECT_EQ(lazy.layer(), unknown_layer);
    EXPECT_EQ(lazy.loaded_bytes(), 0U);
    const auto& [key, value] = *std::next(example.model.begin(), 400);
    EXPECT_EQ(*lazy.find(source, key), value);
    EXPECT_GT(source.loads, 0);
    EXPECT_LE(source.loads, example.tree.layer() + 1);
    EXPECT_EQ(lazy.layer(), example.tree.layer());
    const int loads = source.loads;
    EXPECT_EQ(*copy.find(source, key), value);
    EXPECT_EQ(source.loads, loads);
    EXPECT_GT(copy.loaded_bytes(), 0U);
}

TEST(MstTree, FindsWhatItHolds) {
    const Example example;
    BlockSource source(example.blocks);
    const Tree lazy(example.tree.root());
    NoSource none;
    for (const auto& [key, value] : example.model) {
        EXPECT_EQ(*lazy.find(source, key), value);
        EXPECT_EQ(*example.tree.find(none, key), value);
        EXPECT_EQ(*lazy.find(source, key + "~"), std::nullopt);
    }
    EXPECT_EQ(*lazy.find(source, ""), std::nullopt);
    EXPECT_EQ(*lazy.find(source, "~"), std::nullopt);
    expect_alike(lazy.loaded_bytes(), example.tree.loaded_bytes());
}

TEST(MstTree, AMissingNodeIsAnError) {
    const Example example;
    NoSource none;
    const auto found = Tree(example.tree.root()).find(none, "a/b");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().name, "MissingBlock");
}

TEST(MstTree, ForgetsTheLowerLayersFirst) {
    const Example example;
    NoSource none;
    const std::size_t all = example.tree.loaded_bytes();
    std::size_t previous = 0;
    for (const std::size_t bytes_max : {std::size_t{0}, all / 10, all / 4, all / 2, all}) {
        const Tree less = example.tree.forget(0, bytes_max);
        EXPECT_EQ(less.root(), example.tree.root());
        EXPECT_EQ(less.layer(), example.tree.layer());
        EXPECT_LE(less.loaded_bytes(), bytes_max);
        EXPECT_GE(less.loaded_bytes(), previous);
        previous = less.loaded_bytes();
        BlockSource source(example.blocks);
        EXPECT_EQ(validate(less, source, 10'000)->records, example.model.size());
    }
    EXPECT_EQ(nodes_in_memory(example.tree.forget(0, all)), example.blocks);
    EXPECT_TRUE(nodes_in_memory(example.tree.forget(0, 0)).empty());
    EXPECT_FALSE(example.tree.forget(0, 0).find(none, "a/b"));
}

TEST(MstTree, ForgetsNothingNewer) {
    const Example example;
    NoSource none;
    Edit edit(example.tree, 7, Moves::tracked);
    ASSERT_TRUE(edit.set(none, "app.test.rec/new", empty_root));
    const Tree after = *edit.seal(none);
    const std::vector<NewNode> news = after.new_nodes(6);
    ASSERT_FALSE(news.empty());
    const Tree less = after.forget(6, 0);
    EXPECT_EQ(nodes_in_memory(less).size(), news.size());
    EXPECT_EQ(*less.find(none, "app.test.rec/new"), empty_root);
    EXPECT_TRUE(nodes_in_memory(after.forget(7, 0)).empty());
}

TEST(MstTree, ProvesWhatIsThereAndWhatIsNot) {
    const Example example;
    NoSource none;
    Random random(3);
    for (int i = 0; i < 200; ++i) {
        std::string key =
            std::next(example.model.begin(),
                      static_cast<std::ptrdiff_t>(below(random, example.model.size())))
                ->first;
        if (i % 2 == 1) key += "x";
        const Blocks proof = *example.tree.proof(none, key);
        EXPECT_LE(proof.size(), static_cast<std::size_t>(example.tree.layer()) + 1);
        EXPECT_EQ(proof[0].cid, example.tree.root());
        BlockSource source(proof);
        const auto found = Tree(example.tree.root()).find(source, key);
        ASSERT_TRUE(found) << found.error().message;
        const auto expected = example.model.find(key);
        EXPECT_EQ(found->has_value(), expected != example.model.end());
        if (*found) EXPECT_EQ(**found, expected->second);
        // Each node of it is needed.
        for (std::size_t left_out = 0; left_out < proof.size(); ++left_out) {
            Blocks less = proof;
            less.erase(less.begin() + static_cast<std::ptrdiff_t>(left_out));
            BlockSource partial(less);
            EXPECT_FALSE(Tree(example.tree.root()).find(partial, key));
        }
    }
}

TEST(MstTree, CopiesMayLoadAtTheSameTime) {
    const Example example;
    const Tree lazy(example.tree.root());
    const auto read_all = [&] {
        BlockSource source(example.blocks);
        const Tree copy = lazy;
        for (const auto& [key, value] : example.model)
            EXPECT_EQ(*copy.find(source, key), value);
    };
    std::thread other(read_all);
    read_all();
    other.join();
    EXPECT_EQ(nodes_in_memory(lazy), example.blocks);
    expect_alike(lazy.loaded_bytes(), example.tree.loaded_bytes());
}

}  // namespace
}  // namespace roost::atproto::mst
