#include "atproto/mst/node_wire.h"

#include <algorithm>

#include "atproto/limits.h"
#include "atproto/mst/node.h"

namespace roost::atproto::mst {

namespace {

using std::string_view_literals::operator""sv;

constexpr std::uint8_t cbor_unsigned = 0;
constexpr std::uint8_t cbor_bytes = 2;
constexpr std::uint8_t cbor_array = 4;
constexpr std::uint8_t cbor_null = 0xf6;
// A map of two or four members, and a text of one letter: the names of the members.
constexpr std::string_view node_begin = "\xa2\x61\x65"sv;
constexpr std::string_view node_left = "\x61\x6c"sv;
constexpr std::string_view entry_begin = "\xa4\x61\x6b"sv;
constexpr std::string_view entry_prefix = "\x61\x70"sv;
constexpr std::string_view entry_right = "\x61\x74"sv;
constexpr std::string_view entry_value = "\x61\x76"sv;
// Tag 42 around 37 bytes: a zero, then the binary CID.
constexpr std::string_view link_begin = "\xd8\x2a\x58\x25\x00"sv;

Error invalid(std::string message) {
    return Error::invalid(std::move(message), "InvalidNode");
}

}  // namespace

std::size_t common_prefix_size(std::string_view a, std::string_view b) {
    const std::size_t size = std::min(a.size(), b.size());
    std::size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        if (std::memcmp(a.data() + i, b.data() + i, 8) != 0) break;
    }
    while (i < size && a[i] == b[i])
        ++i;
    return i;
}

inline bool NodeReader::take(std::string_view expected) {
    if (!as_text(rest_).starts_with(expected)) return false;
    rest_ = rest_.subspan(expected.size());
    return true;
}

// The argument of an item of that major type, in the shortest form and below 2^16: no length or
// count in a node is larger.
std::optional<std::uint64_t> NodeReader::take_head(std::uint8_t major) {
    if (rest_.empty() || rest_[0] >> 5 != major) return std::nullopt;
    const std::uint8_t info = rest_[0] & 0x1f;
    const std::size_t width = info < 24 ? 0 : info == 24 ? 1 : info == 25 ? 2 : rest_.size();
    if (rest_.size() <= width) return std::nullopt;
    std::uint64_t argument = info;
    if (width == 1) argument = rest_[1];
    if (width == 2) argument = static_cast<std::uint64_t>(rest_[1]) << 8 | rest_[2];
    if ((width == 1 && argument < 24) || (width == 2 && argument <= 0xff)) return std::nullopt;
    rest_ = rest_.subspan(1 + width);
    return argument;
}

Result<Cid> NodeReader::take_cid() {
    if (!take(link_begin) || rest_.size() < Cid::binary_size)
        return invalid("a link of the node is not one");
    Result<Cid> cid = Cid::from_binary(rest_.first(Cid::binary_size));
    if (!cid) return invalid("a link of the node: " + cid.error().message);
    rest_ = rest_.subspan(Cid::binary_size);
    return cid;
}

Result<std::optional<Cid>> NodeReader::take_link() {
    if (!rest_.empty() && rest_[0] == cbor_null) {
        rest_ = rest_.subspan(1);
        return std::optional<Cid>();
    }
    const Cid cid = TRY(take_cid());
    if (cid.codec() != Codec::dag_cbor)
        return invalid("a subtree is a link to a dag-cbor block, or null");
    has_subtree_ = true;
    return std::optional<Cid>(cid);
}

Result<NodeReader> NodeReader::open(ByteView bytes, KeysOf keys, int layer) {
    NodeReader reader(bytes, keys, keys == KeysOf::this_house ? layer : unknown_layer);
    if (!reader.take(node_begin)) return invalid("a node is a map of two members: e and l");
    const std::optional<std::uint64_t> count = reader.take_head(cbor_array);
    if (!count) return invalid("the entries of a node are an array");
    if (*count > limits::mst_node_entries_max) return invalid("a node has too many entries");
    reader.entry_count_ = static_cast<std::size_t>(*count);
    return reader;
}

// Members k and p: makes key_ the next key.
Result<void> NodeReader::take_key() {
    if (!take(entry_begin)) return invalid("an entry has four members: k, p, t, v");
    const std::optional<std::uint64_t> suffix_size = take_head(cbor_bytes);
    if (!suffix_size || *suffix_size > rest_.size())
        return invalid("an entry's key is not a byte string");
    const std::string_view suffix = as_text(rest_.first(*suffix_size));
    rest_ = rest_.subspan(*suffix_size);
    const std::optional<std::uint64_t> prefix =
        take(entry_prefix) ? take_head(cbor_unsigned) : std::nullopt;
    if (!prefix) return invalid("an entry's prefix is not a number");
    if (*prefix > key_.size()) return invalid("an entry's prefix is longer than the key before it");
    const std::size_t prefix_size = static_cast<std::size_t>(*prefix);

    // The shared part is equal, so what follows it decides the order, and whether it is all.
    const std::string_view old_rest = std::string_view(key_).substr(prefix_size);
    if (suffix <= old_rest) return invalid("the keys of a node are not in order");
    if (!old_rest.empty() && suffix[0] == old_rest[0])
        return invalid("an entry's prefix is not all that it shares with the key before it");
    key_.replace(prefix_size, key_.npos, suffix);
    if (keys_ == KeysOf::strangers && !is_valid_key(key_))
        return invalid("an entry's key is not a repository path");
    return {};
}

Result<NodeReader::Entry> NodeReader::next() {
    TRY(take_key());
    if (layer_ == unknown_layer)
        layer_ = key_layer(key_);
    else if (keys_ == KeysOf::strangers && key_layer(key_) != layer_)
        return invalid("the keys of a node are not of one layer");
    if (!take(entry_right)) return invalid("an entry has a subtree or null");
    const std::optional<Cid> right = TRY(take_link());
    if (!take(entry_value)) return invalid("an entry has a value");
    return Entry {
        key_, TRY(take_cid())
        , right
    };
}

Result<std::optional<Cid>> NodeReader::finish() {
    if (!take(node_left)) return invalid("a node has a left subtree or null");
    const std::optional<Cid> left = TRY(take_link());
    if (!rest_.empty()) return invalid("there are bytes after the node");
    if (has_subtree_ && layer_ == 0) return invalid("a node of the bottom layer has no subtrees");
    return left;
}

NodeWriter::NodeWriter(std::uint8_t* out, std::size_t entry_count) : out_(out) {
    text(node_begin);
    head(cbor_array, entry_count);
}

void NodeWriter::head(std::uint8_t major, std::size_t argument) {
    const auto type = static_cast<std::uint8_t>(major << 5);
    if (argument < 24) {
        *out_++ = static_cast<std::uint8_t>(type | argument);
    } else if (argument <= 0xff) {
        *out_++ = static_cast<std::uint8_t>(type | 24);
        *out_++ = static_cast<std::uint8_t>(argument);
    } else {
        *out_++ = static_cast<std::uint8_t>(type | 25);
        *out_++ = static_cast<std::uint8_t>(argument >> 8);
        *out_++ = static_cast<std::uint8_t>(argument);
    }
}

void NodeWriter::cid(Codec codec, const Cid::Digest& digest) {
    const std::uint8_t head_bytes[] = {0x01, static_cast<std::uint8_t>(codec), 0x12, 0x20};
    text(link_begin);
    raw(head_bytes, sizeof head_bytes);
    raw(digest.data(), digest.size());
}

void NodeWriter::link(const Cid::Digest* digest) {
    if (digest)
        cid(Codec::dag_cbor, *digest);
    else
        *out_++ = cbor_null;
}

void NodeWriter::entry(std::string_view previous_key, std::string_view key, const Cid& value,
                       const Cid::Digest* right) {
    const std::size_t prefix_size = common_prefix_size(previous_key, key);
    text(entry_begin);
    head(cbor_bytes, key.size() - prefix_size);
    text(key.substr(prefix_size));
    text(entry_prefix);
    head(cbor_unsigned, prefix_size);
    text(entry_right);
    link(right);
    text(entry_value);
    cid(value.codec(), value.digest());
}

std::uint8_t* NodeWriter::finish(const Cid::Digest* left) {
    text(node_left);
    link(left);
    return out_;
}

}  // namespace roost::atproto::mst
