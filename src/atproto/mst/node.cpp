#include "atproto/mst/node.h"

#include <algorithm>
#include <bit>

#include "atproto/limits.h"
#include "atproto/mst/node_wire.h"

namespace roost::atproto::mst {

namespace {

bool is_key_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_~-:.").find(c) != std::string_view::npos;
}

bool is_key_segment(std::string_view segment) {
    return !segment.empty() && segment != "." && segment != ".." &&
           std::ranges::all_of(segment, is_key_character);
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
    std::size_t keys_bytes = 0;
    for (const NodeEntry& entry : node.entries)
        keys_bytes += entry.key.size();
    Bytes out(NodeWriter::bytes_max(node.entries.size(), keys_bytes));
    NodeWriter writer(out.data(), node.entries.size());
    std::string_view previous_key;
    for (const NodeEntry& entry : node.entries) {
        writer.entry(previous_key, entry.key, entry.value,
                     entry.right ? &entry.right->digest() : nullptr);
        previous_key = entry.key;
    }
    const std::uint8_t* const end = writer.finish(node.left ? &node.left->digest() : nullptr);
    out.resize(static_cast<std::size_t>(end - out.data()));
    return out;
}

Result<Node> decode_node(ByteView bytes) {
    NodeReader reader = TRY(NodeReader::open(bytes));
    Node node;
    for (std::size_t i = 0; i < reader.entry_count(); ++i) {
        const NodeReader::Entry entry = TRY(reader.next());
        node.entries.push_back({std::string(entry.key), entry.value, entry.right});
    }
    node.left = TRY(reader.finish());
    return node;
}

}  // namespace roost::atproto::mst
