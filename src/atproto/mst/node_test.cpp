#include "atproto/mst/node.h"

#include <gtest/gtest.h>

#include <functional>

#include "atproto/data/cbor.h"
#include "atproto/limits.h"

namespace roost::atproto::mst {
namespace {

const Cid record = Cid::of(Codec::dag_cbor, as_bytes("record"));
const Cid subtree = Cid::of(Codec::dag_cbor, as_bytes("subtree"));

std::string key_at(int i) {
    return "app.test.rec/" + std::to_string(100000 + i);
}

// The first keys of the layer, in order.
std::vector<std::string> keys_of_layer(int layer, std::size_t count) {
    std::vector<std::string> keys;
    for (int i = 0; keys.size() < count; ++i) {
        if (key_layer(key_at(i)) == layer) keys.push_back(key_at(i));
    }
    return keys;
}

Node example() {
    const std::vector<std::string> keys = keys_of_layer(1, 3);
    return {subtree,
            {{keys[0], record, std::nullopt}, {keys[1], record, subtree}, {keys[2], record, {}}}};
}

// The example, changed as a value of the data model.
bool is_refused(const std::function<void(Object&)>& change) {
    Value value = *cbor::decode(encode_node(example()));
    change(std::get<Object>(value.variant()));
    const Result<Node> node = decode_node(cbor::encode(value));
    if (!node) {
        EXPECT_EQ(node.error().name, "InvalidNode");
    }
    return !node.has_value();
}

Object& entry_of(Object& node, std::size_t index) {
    Value& entries = const_cast<Value&>(*node.find("e"));
    return std::get<Object>(std::get<Array>(entries.variant())[index].variant());
}

// https://atproto.com/specs/repository#mst-structure
TEST(MstKey, HasTheLayersOfTheSpecification) {
    EXPECT_EQ(key_layer("2653ae71"), 0);
    EXPECT_EQ(key_layer("blue"), 1);
    EXPECT_EQ(key_layer("app.bsky.feed.post/454397e440ec"), 4);
    EXPECT_EQ(key_layer("app.bsky.feed.post/9adeb165882c"), 8);
}

TEST(MstKey, IsACollectionAndARecordKey) {
    for (const std::string& good :
         {std::string("com.example/rkey"), std::string("a/b"), std::string("a/b_~-:."),
          "coll/" + std::string(limits::mst_key_bytes_max - 5, 'k')})
        EXPECT_TRUE(is_valid_key(good)) << good;
    for (const std::string& bad : {std::string(),
                                   std::string("/"),
                                   std::string("a"),
                                   std::string("a/"),
                                   std::string("/b"),
                                   std::string("a//b"),
                                   std::string("a/b/c"),
                                   std::string("a/b/"),
                                   std::string("/a/b"),
                                   std::string("a/."),
                                   std::string("a/.."),
                                   std::string("./b"),
                                   std::string("../b"),
                                   std::string("a/b c"),
                                   std::string("a/b%"),
                                   std::string("a/b#c"),
                                   std::string("a/\xc3\xa9"),
                                   std::string("a/b\0", 4),
                                   std::string("a/b\n"),
                                   "coll/" + std::string(limits::mst_key_bytes_max - 4, 'k')})
        EXPECT_FALSE(is_valid_key(bad)) << bad;
}

TEST(MstNode, EncodesAsTheGenericEncoderWould) {
    const Node node = example();
    Array entries;
    std::string previous;
    for (const NodeEntry& entry : node.entries) {
        std::size_t prefix = 0;
        while (prefix < previous.size() && previous[prefix] == entry.key[prefix])
            ++prefix;
        entries.push_back(Object{{"p", prefix},
                                 {"k", to_bytes(entry.key.substr(prefix))},
                                 {"v", entry.value},
                                 {"t", entry.right ? Value(*entry.right) : Value()}});
        previous = entry.key;
    }
    const Object object = {{"l", *node.left}, {"e", std::move(entries)}};
    EXPECT_EQ(encode_node(node), cbor::encode(object));
}

TEST(MstNode, RoundTrips) {
    for (const Node& node : {example(), Node{}, Node{subtree, {}}}) {
        const Result<Node> again = decode_node(encode_node(node));
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_EQ(*again, node);
    }
}

TEST(MstNode, RefusesWrongMembers) {
    EXPECT_FALSE(is_refused([](Object&) {}));
    EXPECT_TRUE(is_refused([](Object& node) { node.erase("l"); }));
    EXPECT_TRUE(is_refused([](Object& node) { node.erase("e"); }));
    EXPECT_TRUE(is_refused([](Object& node) { node.set("x", 1); }));
    EXPECT_TRUE(is_refused([](Object& node) { node.set("e", nullptr); }));
    EXPECT_TRUE(is_refused([](Object& node) { node.set("l", 1); }));
    EXPECT_TRUE(
        is_refused([](Object& node) { node.set("l", Cid::of(Codec::raw, as_bytes("subtree"))); }));
    EXPECT_TRUE(is_refused([](Object& node) { node.set("e", Array{1}); }));
    for (const std::string name : {"k", "p", "t", "v"}) {
        EXPECT_TRUE(is_refused([&](Object& node) { entry_of(node, 0).erase(name); }));
        EXPECT_TRUE(is_refused([&](Object& node) { entry_of(node, 1).set(name, "text"); }));
        if (name != "t") {
            EXPECT_TRUE(is_refused([&](Object& node) { entry_of(node, 0).set(name, nullptr); }));
        }
    }
    EXPECT_TRUE(is_refused([](Object& node) { entry_of(node, 0).set("x", nullptr); }));
    for (const std::string_view bytes : {"", "\xff", "\x80", "\xa0", "text"})
        EXPECT_FALSE(decode_node(as_bytes(bytes)));
}

TEST(MstNode, RefusesWrongPrefixes) {
    EXPECT_TRUE(is_refused([](Object& node) { entry_of(node, 0).set("p", 1); }));
    EXPECT_TRUE(is_refused([](Object& node) { entry_of(node, 1).set("p", -1); }));
    EXPECT_TRUE(is_refused([](Object& node) { entry_of(node, 1).set("p", 100); }));
    EXPECT_TRUE(is_refused([](Object& node) { entry_of(node, 1).set("p", INT64_MAX); }));
    // The right key, but less of it shared than could be.
    EXPECT_TRUE(is_refused([](Object& node) {
        entry_of(node, 1).set("p", 0);
        entry_of(node, 1).set("k", to_bytes(keys_of_layer(1, 3)[1]));
    }));
}

TEST(MstNode, RefusesWrongKeys) {
    // In the wrong order, twice, of another layer, not a path.
    EXPECT_TRUE(is_refused([](Object& node) {
        Array entries = *node.find("e")->as<Array>();
        std::swap(entries[0], entries[1]);
        node.set("e", entries);
    }));
    EXPECT_TRUE(is_refused([](Object& node) {
        entry_of(node, 1).set("p", 19);
        entry_of(node, 1).set("k", Bytes{});
    }));
    Node mixed = example();
    mixed.entries[2].key += 'z';
    while (key_layer(mixed.entries[2].key) == 1)
        mixed.entries[2].key += 'z';
    ASSERT_GT(mixed.entries[2].key, mixed.entries[1].key);
    EXPECT_FALSE(decode_node(encode_node(mixed)));
    EXPECT_FALSE(decode_node(encode_node({{}, {{"no slash", record, {}}}})));
}

TEST(MstNode, TheBottomLayerHasNoSubtrees) {
    const std::string key = keys_of_layer(0, 1)[0];
    EXPECT_TRUE(decode_node(encode_node({{}, {{key, record, {}}}})));
    EXPECT_FALSE(decode_node(encode_node({subtree, {{key, record, {}}}})));
    EXPECT_FALSE(decode_node(encode_node({{}, {{key, record, subtree}}})));
}

TEST(MstNode, IsBounded) {
    Node node;
    for (const std::string& key : keys_of_layer(0, limits::mst_node_entries_max))
        node.entries.push_back({key, record, {}});
    EXPECT_TRUE(decode_node(encode_node(node)));
    node.entries.push_back({"app.test.rec/z", record, {}});
    while (key_layer(node.entries.back().key) != 0)
        node.entries.back().key += 'z';
    EXPECT_FALSE(decode_node(encode_node(node)));
}

}  // namespace
}  // namespace roost::atproto::mst
