#include "atproto/mst/edit.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "atproto/limits.h"
#include "atproto/mst/cursor.h"
#include "atproto/mst/testing.h"

namespace roost::atproto::mst {
namespace {

using testing::below;
using testing::cid_number;
using testing::mined_keys;
using testing::mixed_keys;
using testing::Model;
using testing::numbered_key;
using testing::PlaceStore;
using testing::Random;
using testing::tree_of;

// A source of every node there ever was, by CID.
class Archive : public NodeSource {
  public:
    void add(const Tree& tree, std::optional<std::uint64_t> since) {
        for (NewNode& node : tree.new_nodes(since))
            nodes_.insert_or_assign(node.place.cid, std::move(node.bytes));
    }
    Result<StoredNode> load(const NodePlace& place) override {
        const auto found = nodes_.find(place.cid);
        if (found == nodes_.end()) return Error::invalid("no such node", "MissingBlock");
        return StoredNode{found->second, 0};
    }

  private:
    std::map<Cid, Bytes> nodes_;
};

// The store has each node of the tree at its place, and nothing else.
void expect_exact(const PlaceStore& store, const Tree& tree) {
    const std::vector<NewNode> nodes = tree.new_nodes(std::nullopt);
    EXPECT_EQ(store.entries.size(), nodes.size());
    for (const NewNode& node : nodes) {
        const auto found = store.entries.find({node.place.layer, std::string(node.place.left)});
        ASSERT_NE(found, store.entries.end()) << node.place.layer << " " << node.place.left;
        EXPECT_EQ(found->second.cid, node.place.cid);
        EXPECT_EQ(found->second.bytes, node.bytes);
    }
}

class History {
  public:
    History(std::uint64_t seed, std::vector<std::string> keys)
        : random_(seed), keys_(std::move(keys)) {
        store_.apply(Edit(tree_, 0, Moves::tracked), tree_, std::nullopt);
        archive_.add(tree_, std::nullopt);
    }

    // A batch of changes, checked in every way against the model.
    void step(std::size_t operations, std::size_t erase_percent) {
        const std::uint64_t since = stamp_++;
        age_tree(since);
        Edit edit(tree_, stamp_, Moves::tracked);
        for (std::size_t i = 0; i < operations; ++i)
            change(edit, below(random_, 100) < erase_percent);
        Result<Tree> after = edit.seal(store_);
        ASSERT_TRUE(after) << after.error().message;
        const Tree expected = tree_of(model_);
        ASSERT_EQ(after->root(), expected.root());
        ASSERT_EQ(after->layer(), expected.layer());

        store_.apply(edit, *after, since);
        expect_exact(store_, expected);
        archive_.add(*after, since);
        const Result<Census> census = validate(Tree(after->root()), archive_, 100'000);
        ASSERT_TRUE(census) << census.error().message;
        EXPECT_EQ(census->records, model_.size());
        expect_stamps(*after);
        tree_ = *std::move(after);
    }
    // The tree before is as it was.
    const Tree& tree() const { return tree_; }
    const Model& model() const { return model_; }
    PlaceStore& store() { return store_; }

  private:
    // Warm, cold, or partly forgotten.
    void age_tree(std::uint64_t since) {
        const std::size_t kind = below(random_, 4);
        if (kind == 0) tree_ = Tree(tree_.root(), tree_.layer());
        if (kind == 1) tree_ = tree_.forget(since, tree_.loaded_bytes() / 2);
        EXPECT_NEAR(static_cast<double>(tree_.loaded_bytes()),
                    static_cast<double>(tree_.forget(0, SIZE_MAX).loaded_bytes()),
                    0.3 * static_cast<double>(tree_.loaded_bytes()) + 2000);
    }
    void change(Edit& edit, bool erases) {
        const std::string& key = keys_[below(random_, keys_.size())];
        const auto found = model_.find(key);
        const std::optional<Cid> expected =
            found == model_.end() ? std::nullopt : std::optional(found->second);
        const Cid value = cid_number(below(random_, 1000));
        const auto before = erases ? edit.erase(store_, key) : edit.set(store_, key, value);
        ASSERT_TRUE(before) << before.error().message;
        EXPECT_EQ(*before, expected);
        if (erases)
            model_.erase(key);
        else
            model_.insert_or_assign(key, value);
    }
    void expect_stamps(const Tree& tree) {
        PreorderWalk walk(tree);
        std::vector<std::uint64_t> path(limits::mst_layer_max + 2, stamp_);
        while (const auto item = *walk.next(store_)) {
            if (!item->is_node()) continue;
            const auto layer = static_cast<std::size_t>(item->layer);
            const auto top = static_cast<std::size_t>(tree.layer());
            EXPECT_LE(item->stamp, layer == top ? stamp_ : path[layer + 1]);
            path[layer] = item->stamp;
        }
    }

    Random random_;
    std::vector<std::string> keys_;
    std::uint64_t stamp_ = 1;
    Tree tree_;
    Model model_;
    PlaceStore store_;
    Archive archive_;
};

TEST(MstEdit, SingleChangesMatchTheModel) {
    History history(1, mixed_keys(60, 12));
    for (int i = 0; i < 600; ++i)
        history.step(1, i / 100 % 2 == 0 ? 30 : 60);
}

TEST(MstEdit, BatchesMatchTheModel) {
    for (std::uint64_t seed = 2; seed < 6; ++seed) {
        History history(seed, mixed_keys(seed % 2 ? 400 : 60, 30));
        Random sizes(seed);
        for (int i = 0; i < 40; ++i)
            history.step(1 + below(sizes, i % 4 == 0 ? 200 : 12), i % 8 == 7 ? 90 : 40);
    }
}

TEST(MstEdit, AlmostOnlyHighLayersMatchTheModel) {
    History history(7, mined_keys(5, 24));
    for (int i = 0; i < 250; ++i)
        history.step(1 + static_cast<std::size_t>(i % 3), 50);
}

TEST(MstEdit, TheOrderDoesNotMatter) {
    std::vector<std::string> keys = mixed_keys(300, 10);
    Random random(8);
    std::optional<Cid> root;
    NoSource none;
    for (int round = 0; round < 10; ++round) {
        std::ranges::shuffle(keys, random);
        Tree tree;
        for (std::size_t begin = 0; begin < keys.size();) {
            Edit edit(tree, 1, Moves::ignored);
            const std::size_t end = std::min(keys.size(), begin + 1 + below(random, 50));
            for (; begin < end; ++begin)
                ASSERT_TRUE(edit.set(none, keys[begin], cid_number(1)));
            tree = *edit.seal(none);
        }
        EXPECT_EQ(root.value_or(tree.root()), tree.root());
        root = tree.root();
    }
}

TEST(MstEdit, EraseUndoesSet) {
    const std::vector<std::string> keys = mixed_keys(200, 10);
    NoSource none;
    std::vector<Tree> trees(1);
    for (const std::string& key : keys) {
        Edit edit(trees.back(), 1, Moves::ignored);
        EXPECT_EQ(*edit.set(none, key, cid_number(1)), std::nullopt);
        trees.push_back(*edit.seal(none));
    }
    for (std::size_t i = keys.size(); i > 0; --i) {
        Edit edit(trees[i], 2, Moves::ignored);
        EXPECT_EQ(*edit.erase(none, keys[i - 1]), cid_number(1));
        EXPECT_EQ(edit.seal(none)->root(), trees[i - 1].root());
    }
}

TEST(MstEdit, WhatChangesNothingKeepsTheTree) {
    Model model;
    for (const std::string& key : mixed_keys(50, 5))
        model.emplace(key, cid_number(1));
    const Tree tree = tree_of(model, 1);
    NoSource none;
    Edit edit(tree, 2, Moves::tracked);
    EXPECT_EQ(*edit.set(none, numbered_key(7), cid_number(1)), cid_number(1));
    EXPECT_EQ(*edit.erase(none, numbered_key(7) + "x"), std::nullopt);
    const Tree after = *edit.seal(none);
    EXPECT_EQ(after.root(), tree.root());
    EXPECT_TRUE(after.new_nodes(1).empty());
    EXPECT_TRUE(edit.left_places().empty());
    EXPECT_EQ(Edit(tree, 2, Moves::tracked).seal(none)->root(), tree.root());
}

TEST(MstEdit, TheTreeBeforeStaysAsItWas) {
    Model model;
    for (const std::string& key : mixed_keys(300, 10))
        model.emplace(key, cid_number(1));
    const Tree tree = tree_of(model);
    const Blocks before = nodes_in_memory(tree);
    NoSource none;
    Edit edit(tree, 2, Moves::tracked);
    for (const auto& [key, value] : model)
        if (key.back() % 2 == 0) ASSERT_TRUE(edit.erase(none, key));
    ASSERT_TRUE(edit.seal(none));
    EXPECT_EQ(nodes_in_memory(tree), before);
}

TEST(MstEdit, RefusesWrongKeysAndHugeNodes) {
    NoSource none;
    Edit edit(Tree(), 1, Moves::ignored);
    EXPECT_EQ(edit.set(none, "no-slash", cid_number(1)).error().name, "InvalidKey");
    EXPECT_EQ(edit.set(none, "a/" + std::string(1024, 'b'), cid_number(1)).error().name,
              "InvalidKey");
    std::size_t added = 0;
    Result<std::optional<Cid>> last = std::optional<Cid>();
    for (int i = 0; last; ++i) {
        const std::string key = numbered_key(i);
        if (key_layer(key) != 0) continue;
        last = edit.set(none, key, cid_number(1));
        ++added;
    }
    EXPECT_EQ(added, limits::mst_node_entries_max + 1);
    EXPECT_EQ(last.error().name, "NodeTooLarge");
}

TEST(MstEdit, AMissingNodeIsAnError) {
    Model model;
    for (const std::string& key : mixed_keys(300, 10))
        model.emplace(key, cid_number(1));
    const Blocks all = nodes_in_memory(tree_of(model));
    const Blocks root_only(all.begin(), all.begin() + 1);
    BlockSource source(root_only);
    Edit edit(Tree(all[0].cid), 1, Moves::ignored);
    const auto result = edit.set(source, numbered_key(150) + "x", cid_number(1));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().name, "MissingBlock");
}

}  // namespace
}  // namespace roost::atproto::mst
