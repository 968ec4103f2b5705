#include "atproto/mst/node.h"

#include <algorithm>
#include <bit>

#include "atproto/data/cbor.h"
#include "atproto/limits.h"

namespace roost::atproto::mst {

namespace {

constexpr std::uint8_t cbor_array = 4;
constexpr std::uint8_t cbor_map = 5;

Error invalid(std::string message) {
    return Error::invalid(std::move(message), "InvalidNode");
}

bool is_key_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_~-:.").find(c) != std::string_view::npos;
}

bool is_key_segment(std::string_view segment) {
    return !segment.empty() && segment != "." && segment != ".." &&
           std::ranges::all_of(segment, is_key_character);
}

std::size_t shared_prefix_size(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

void append_link(Bytes& out, const std::optional<Cid>& link) {
    if (link)
        cbor::append_cid(out, *link);
    else
        cbor::append_null(out);
}

template <class T>
const T* member(const Object& object, std::string_view name) {
    const Value* const value = object.find(name);
    return value ? value->as<T>() : nullptr;
}

// A link to another node, or null; it must be there.
Result<std::optional<Cid>> parse_link(const Object& object, std::string_view name) {
    const Value* const value = object.find(name);
    if (value && value->is_null()) return std::optional<Cid>();
    const Cid* const cid = value ? value->as<Cid>() : nullptr;
    if (!cid || cid->codec() != Codec::dag_cbor)
        return invalid("a subtree is a link to a dag-cbor block, or null");
    return std::optional<Cid>(*cid);
}

Result<NodeEntry> parse_entry(const Value& value, std::string_view previous_key) {
    const Object* const object = value.as<Object>();
    if (!object || object->size() != 4) return invalid("an entry has four members: k, p, t, v");
    const Bytes* const suffix = member<Bytes>(*object, "k");
    const std::int64_t* const prefix_size = member<std::int64_t>(*object, "p");
    const Cid* const cid = member<Cid>(*object, "v");
    if (!suffix || !prefix_size || !cid) return invalid("an entry has a key, a prefix and a value");
    if (*prefix_size < 0 || static_cast<std::uint64_t>(*prefix_size) > previous_key.size())
        return invalid("an entry's prefix is longer than the key before it");

    std::string key(previous_key.substr(0, static_cast<std::size_t>(*prefix_size)));
    key += as_text(*suffix);
    if (!is_valid_key(key)) return invalid("an entry's key is not a repository path");
    if (key <= previous_key) return invalid("the keys of a node are not in order");
    if (shared_prefix_size(previous_key, key) != static_cast<std::size_t>(*prefix_size))
        return invalid("an entry's prefix is not all that it shares with the key before it");
    std::optional<Cid> right = TRY(parse_link(*object, "t"));
    return NodeEntry{std::move(key), *cid, right};
}

}  // namespace

bool is_valid_key(std::string_view key) {
    const std::size_t slash = key.find('/');
    return slash != key.npos && key.size() <= limits::mst_key_bytes_max &&
           is_key_segment(key.substr(0, slash)) && is_key_segment(key.substr(slash + 1));
}

int key_layer(std::string_view key) {
    int zeros = 0;
    for (const std::uint8_t byte : sha256(as_bytes(key))) {
        zeros += std::countl_zero(byte);
        if (byte != 0) break;
    }
    return zeros / 2;
}

Bytes encode_node(const Node& node) {
    Bytes out;
    cbor::append_head(out, cbor_map, 2);
    cbor::append_text(out, "e");
    cbor::append_head(out, cbor_array, node.entries.size());
    std::string_view previous_key;
    for (const NodeEntry& entry : node.entries) {
        const std::size_t prefix_size = shared_prefix_size(previous_key, entry.key);
        cbor::append_head(out, cbor_map, 4);
        cbor::append_text(out, "k");
        cbor::append_bytes(out, as_bytes(entry.key).subspan(prefix_size));
        cbor::append_text(out, "p");
        cbor::append_int(out, static_cast<std::int64_t>(prefix_size));
        cbor::append_text(out, "t");
        append_link(out, entry.right);
        cbor::append_text(out, "v");
        cbor::append_cid(out, entry.value);
        previous_key = entry.key;
    }
    cbor::append_text(out, "l");
    append_link(out, node.left);
    return out;
}

Result<Node> decode_node(ByteView bytes) {
    Result<Value> value = cbor::decode(bytes);
    if (!value) return invalid("the node is not DAG-CBOR: " + value.error().message);
    const Object* const object = value->as<Object>();
    const Array* const entries = object ? member<Array>(*object, "e") : nullptr;
    if (!entries || object->size() != 2) return invalid("a node has two members: e and l");
    if (entries->size() > limits::mst_node_entries_max)
        return invalid("a node has too many entries");

    Node node;
    node.left = TRY(parse_link(*object, "l"));
    node.entries.reserve(entries->size());
    int layer = 0;
    for (const Value& entry : *entries) {
        const std::string_view previous_key =
            node.entries.empty() ? std::string_view() : std::string_view(node.entries.back().key);
        node.entries.push_back(TRY(parse_entry(entry, previous_key)));
        const int entry_layer = key_layer(node.entries.back().key);
        if (node.entries.size() == 1) layer = entry_layer;
        if (entry_layer != layer) return invalid("the keys of a node are not of one layer");
    }
    const bool has_subtree =
        node.left || std::ranges::any_of(node.entries, [](const NodeEntry& entry) {
            return entry.right.has_value();
        });
    if (has_subtree && !node.entries.empty() && layer == 0)
        return invalid("a node of the bottom layer has no subtrees");
    return node;
}

}  // namespace roost::atproto::mst
