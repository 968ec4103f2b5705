#include "atproto/mst/cursor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "atproto/limits.h"
#include "atproto/mst/edit.h"
#include "atproto/mst/node.h"
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

Model model_of(const std::vector<std::string>& keys) {
    Model model;
    for (const std::string& key : keys)
        model.emplace(key, cid_number(model.size()));
    return model;
}

// The order of the specification, by the plain definition.
void expected_order(const Blocks& blocks, const Cid& cid, std::vector<Cid>& order) {
    order.push_back(cid);
    const BlockSource source(blocks);
    const Node node = *decode_node(source.find(cid)->bytes);
    if (node.left) expected_order(blocks, *node.left, order);
    for (const NodeEntry& entry : node.entries) {
        order.push_back(entry.value);
        if (entry.right) expected_order(blocks, *entry.right, order);
    }
}

TEST(MstPreorderWalk, HasTheOrderOfTheSpecification) {
    const Tree tree = tree_of(model_of(mixed_keys(300, 10)));
    const Blocks blocks = nodes_in_memory(tree);
    std::vector<Cid> expected;
    expected_order(blocks, tree.root(), expected);
    BlockSource source(blocks);
    NoSource none;
    for (const Tree& walked : {tree, Tree(tree.root()), Tree(tree.root(), tree.layer())}) {
        PreorderWalk walk(walked);
        std::vector<Cid> order;
        NodeSource& from = walked.loaded_bytes() > 0 ? static_cast<NodeSource&>(none) : source;
        while (const auto item = *walk.next(from)) {
            order.push_back(item->cid);
            if (item->is_node()) {
                EXPECT_EQ(Cid::of(Codec::dag_cbor, item->bytes), item->cid);
            }
        }
        EXPECT_EQ(order, expected);
        EXPECT_FALSE(walk.next(from)->has_value());
    }
}

TEST(MstPreorderWalk, KeepsNothing) {
    const Tree tree = tree_of(model_of(mixed_keys(300, 10)));
    const Blocks blocks = nodes_in_memory(tree);
    BlockSource source(blocks);
    const Tree lazy(tree.root());
    EXPECT_EQ(validate(lazy, source, 10'000)->nodes, blocks.size());
    EXPECT_EQ(lazy.loaded_bytes(), 0U);
}

TEST(MstPreorderWalk, SkipsWhatIsNotNewer) {
    PlaceStore store;
    const Tree before = tree_of(model_of(mixed_keys(500, 10)), 1);
    store.apply(Edit(before, 1, Moves::tracked), before, std::nullopt);
    Edit edit(before, 2, Moves::tracked);
    ASSERT_TRUE(edit.set(store, numbered_key(250) + "x", cid_number(9999)));
    const Tree after = *edit.seal(store);
    store.apply(edit, after, 1);
    const std::vector<NewNode> expected = after.new_nodes(1);
    ASSERT_LT(expected.size(), 20U);

    PreorderWalk walk(Tree(after.root(), after.layer()), 1);
    std::vector<Cid> nodes;
    bool has_new_record = false;
    while (const auto item = *walk.next(store)) {
        if (item->is_node())
            nodes.push_back(item->cid);
        else
            has_new_record = has_new_record || item->cid == cid_number(9999);
    }
    EXPECT_TRUE(has_new_record);
    ASSERT_EQ(nodes.size(), expected.size());
    for (std::size_t i = 0; i < nodes.size(); ++i)
        EXPECT_EQ(nodes[i], expected[i].place.cid);
    EXPECT_FALSE(PreorderWalk(after, 2).next(store)->has_value());
}

// The nodes that a range needs, by the plain definition: all whose keys could be in it.
void expected_nodes(const Blocks& blocks, const Cid& cid, const std::string& left,
                    const std::string& right, const KeyRange& range, std::vector<Cid>& nodes) {
    if (left >= range.end || (!right.empty() && right <= range.from)) return;
    nodes.push_back(cid);
    const BlockSource source(blocks);
    const Node node = *decode_node(source.find(cid)->bytes);
    const auto next = [&](std::size_t i) {
        return i < node.entries.size() ? node.entries[i].key : right;
    };
    if (node.left) expected_nodes(blocks, *node.left, left, next(0), range, nodes);
    for (std::size_t i = 0; i < node.entries.size(); ++i)
        if (node.entries[i].right)
            expected_nodes(blocks, *node.entries[i].right, node.entries[i].key, next(i + 1), range,
                           nodes);
}

TEST(MstPreorderWalk, GivesARangeWithItsProof) {
    Random random(20);
    for (int round = 0; round < 60; ++round) {
        const Model model =
            model_of(mixed_keys(static_cast<int>(below(random, 400)), below(random, 10)));
        const Tree tree = tree_of(model);
        const Blocks blocks = nodes_in_memory(tree);
        KeyRange range{numbered_key(static_cast<int>(below(random, 450))),
                       numbered_key(static_cast<int>(below(random, 450)))};
        if (round % 5 == 0) range = {"app.test.rec/", "app.test.rec0"};
        if (round % 5 == 1) range = {"zzz/", "zzz0"};
        if (round % 5 == 2) range = {"a/", "a0"};
        if (range.end < range.from) std::swap(range.from, range.end);
        std::vector<Cid> expected, nodes;
        expected_nodes(blocks, tree.root(), "", "", range, expected);
        Model records;
        BlockSource source(blocks);
        PreorderWalk walk(Tree(tree.root()), range);
        while (const auto item = *walk.next(source)) {
            if (item->is_node())
                nodes.push_back(item->cid);
            else
                records.emplace(item->key, item->cid);
        }
        EXPECT_EQ(nodes, expected) << range.from << " " << range.end;
        EXPECT_EQ(records, Model(model.lower_bound(range.from), model.lower_bound(range.end)));
    }
}

TEST(MstRecordWalk, BeginsAtAKey) {
    const Model model = model_of(mixed_keys(300, 10));
    const Blocks blocks = nodes_in_memory(tree_of(model));
    BlockSource source(blocks);
    const Tree lazy(blocks[0].cid);
    Random random(4);
    std::vector<std::string> starts = {"", "~", numbered_key(0), model.rbegin()->first};
    for (int i = 0; i < 100; ++i)
        starts.push_back(numbered_key(static_cast<int>(below(random, 1000))) + (i % 2 ? "x" : ""));
    for (const std::string& start : starts) {
        RecordWalk walk(lazy, start);
        for (auto expected = model.lower_bound(start); expected != model.end(); ++expected) {
            const auto item = *walk.next(source);
            ASSERT_TRUE(item);
            ASSERT_EQ(item->key, expected->first);
            ASSERT_EQ(item->value, expected->second);
        }
        EXPECT_FALSE(walk.next(source)->has_value());
    }
}

TEST(MstDiff, FindsWhatDiffers) {
    const std::vector<std::string> keys = mixed_keys(400, 20);
    Random random(5);
    for (int round = 0; round < 60; ++round) {
        Model a;
        Model b;
        for (const std::string& key : keys) {
            if (below(random, 3) == 0) continue;
            a.emplace(key, cid_number(1));
            b.emplace(key, cid_number(1));
        }
        for (std::size_t i = below(random, round % 2 ? 4 : 100); i > 0; --i) {
            Model& model = below(random, 2) ? a : b;
            const std::string& key = keys[below(random, keys.size())];
            if (below(random, 2) == 0)
                model.erase(key);
            else
                model.insert_or_assign(key, cid_number(2 + below(random, 2)));
        }
        if (round == 58) a.clear();
        if (round == 59) b.clear();
        std::vector<Change> expected;
        for (const std::string& key : std::set<std::string>(keys.begin(), keys.end())) {
            const auto in_a = a.find(key);
            const auto in_b = b.find(key);
            Change change{key, {}, {}};
            if (in_a != a.end()) change.before = in_a->second;
            if (in_b != b.end()) change.after = in_b->second;
            if (change.before != change.after) expected.push_back(change);
        }
        const Blocks blocks_a = nodes_in_memory(tree_of(a));
        const Blocks blocks_b = nodes_in_memory(tree_of(b));
        BlockSource source_a(blocks_a);
        BlockSource source_b(blocks_b);
        const int layer = round % 3 ? unknown_layer : tree_of(a).layer();
        EXPECT_EQ(*diff(Tree(blocks_a[0].cid, layer), source_a, Tree(blocks_b[0].cid), source_b),
                  expected);
    }
}

TEST(MstDiff, LooksOnlyAtWhatDiffers) {
    PlaceStore store;
    const Tree before = tree_of(model_of(mixed_keys(3000, 10)), 1);
    store.apply(Edit(before, 1, Moves::tracked), before, std::nullopt);
    PlaceStore after_store = store;
    Edit edit(before, 2, Moves::tracked);
    ASSERT_TRUE(edit.set(store, numbered_key(777), cid_number(9999)));
    const Tree after = *edit.seal(store);
    after_store.apply(edit, after, 1);
    store.loads = 0;
    const auto changes = *diff(Tree(before.root(), before.layer()), store,
                               Tree(after.root(), after.layer()), after_store);
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].after, cid_number(9999));
    EXPECT_LE(store.loads, before.layer() + 1);
}

// What a foreign tree may do to us.
class Foreign {
  public:
    Cid add(const Node& node) {
        Bytes bytes = encode_node(node);
        const Cid cid = Cid::of(Codec::dag_cbor, bytes);
        blocks.push_back({cid, std::move(bytes)});
        return cid;
    }
    std::string error(const Cid& root, std::uint64_t nodes_max = 100'000) const {
        BlockSource source(blocks);
        const Result<Census> census = validate(Tree(root), source, nodes_max);
        return census ? "" : census.error().name;
    }
    Blocks blocks;
};

// The first key of exactly that layer after another one.
std::string key_of(int layer, const std::string& after = "") {
    for (int i = 0;; ++i) {
        std::string key = numbered_key(i);
        if (key > after && key_layer(key) == layer) return key;
    }
}

NodeEntry entry(const std::string& key, std::optional<Cid> right = {}) {
    return {key, cid_number(1), right};
}

TEST(MstValidate, AcceptsOnlyTheOneTree) {
    Foreign foreign;
    const std::string low = key_of(0);
    const std::string high = key_of(1, low);
    const std::string last = key_of(0, high);
    const Cid left = foreign.add({{}, {entry(low)}});
    const Cid right = foreign.add({{}, {entry(last)}});
    EXPECT_EQ(foreign.error(foreign.add({left, {entry(high, right)}})), "");
    EXPECT_EQ(foreign.error(foreign.add({})), "");
    const auto refused = [&](const Node& node) {
        return foreign.error(foreign.add(node)) == "InvalidNode";
    };
    // Out of range, on either side.
    EXPECT_TRUE(refused({right, {entry(high)}}));
    EXPECT_TRUE(refused({{}, {entry(high, left)}}));
    EXPECT_TRUE(refused({left, {entry(high, left)}}));
    // A layer too few, and an empty node that fills the gap, and one too many.
    const std::string higher = key_of(2, low);
    EXPECT_TRUE(refused({left, {entry(higher)}}));
    const Cid gap = foreign.add({left, {}});
    EXPECT_EQ(foreign.error(foreign.add({gap, {entry(higher)}})), "");
    EXPECT_TRUE(refused({gap, {entry(high)}}));
    // Empty at the bottom, and at the top.
    const Cid empty = foreign.add({});
    EXPECT_TRUE(refused({empty, {entry(high)}}));
    EXPECT_TRUE(refused({empty, {entry(higher)}}));
    EXPECT_TRUE(refused({left, {}}));
    EXPECT_TRUE(refused({gap, {}}));
    // Of a leaf that is not there.
    EXPECT_EQ(foreign.error(foreign.add({cid_number(5), {entry(high)}})), "MissingBlock");
    EXPECT_EQ(foreign.error(cid_number(5)), "MissingBlock");
}

TEST(MstValidate, ANodeMustBeWhatItsCidSays) {
    Foreign foreign;
    const Cid root = foreign.add({{}, {entry(key_of(0))}});
    foreign.blocks[0].bytes = encode_node({{}, {entry(key_of(0, key_of(0)))}});
    EXPECT_EQ(foreign.error(root), "InvalidNode");
}

// Who stores only nodes whose keys were looked at has those taken as they are, and no others.
TEST(MstValidate, KeysOfThisHouseAreNotLookedAtAgain) {
    struct House : BlockSource {
        using BlockSource::BlockSource;
        KeysOf keys() const override { return KeysOf::this_house; }
    };
    const auto outcomes = [](const Node& node) {
        Foreign foreign;
        const Cid root = foreign.add(node);
        House house(foreign.blocks);
        const Result<Census> census = validate(Tree(root), house, 10);
        return std::pair(foreign.error(root), census ? "" : census.error().name);
    };
    using Outcomes = std::pair<std::string, std::string>;
    const std::string low = key_of(0);
    EXPECT_EQ(outcomes({{}, {entry(low)}}), Outcomes("", ""));
    EXPECT_EQ(outcomes({{}, {entry("no path")}}), Outcomes("InvalidNode", ""));
    EXPECT_EQ(outcomes({{}, {entry(low), entry(key_of(1, low))}}), Outcomes("InvalidNode", ""));
    EXPECT_EQ(outcomes({{}, {entry(key_of(0, low)), entry(low)}}),
              Outcomes("InvalidNode", "InvalidNode"));
    Foreign foreign;
    const Cid root = foreign.add({{}, {entry(low)}});
    foreign.blocks[0].bytes = encode_node({{}, {entry(key_of(0, low))}});
    House house(foreign.blocks);
    EXPECT_EQ(validate(Tree(root), house, 10).error().name, "InvalidNode");
}

TEST(MstValidate, ALongChainEndsAtTheBottom) {
    Foreign foreign;
    Cid cid = foreign.add({{}, {entry(key_of(0))}});
    for (int i = 0; i < 30'000; ++i)
        cid = foreign.add({cid, {}});
    EXPECT_EQ(foreign.error(cid), "InvalidNode");
    EXPECT_EQ(foreign.error(foreign.add({cid, {entry(mined_keys(6, 1)[0])}})), "InvalidNode");
}

TEST(MstValidate, StopsAtTheBound) {
    Foreign foreign;
    foreign.blocks = nodes_in_memory(tree_of(model_of(mixed_keys(300, 10))));
    const std::size_t nodes = foreign.blocks.size();
    EXPECT_EQ(foreign.error(foreign.blocks[0].cid, nodes), "");
    EXPECT_EQ(foreign.error(foreign.blocks[0].cid, nodes - 1), "TreeTooLarge");
}

TEST(MstValidate, TakesMinedKeysOfOneLayer) {
    Model model;
    for (int i = 0; model.size() < limits::mst_node_entries_max; ++i)
        if (key_layer(numbered_key(i)) == 0) model.emplace(numbered_key(i), cid_number(1));
    Foreign foreign;
    foreign.blocks = nodes_in_memory(tree_of(model));
    EXPECT_EQ(foreign.blocks.size(), 1U);
    EXPECT_EQ(foreign.error(foreign.blocks[0].cid), "");
}

}  // namespace
}  // namespace roost::atproto::mst
