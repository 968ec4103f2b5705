// The bytes of a node, entry by entry, for the two forms that a node has in memory: Node (node.h)
// and TreeNode (tree_node.h). Private to this room.
// https://atproto.com/specs/repository#mst-structure
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "atproto/data/cid.h"
#include "atproto/mst/node_source.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto::mst {

std::size_t common_prefix_size(std::string_view a, std::string_view b);

// Reads an encoded node strictly, in the order of the bytes. Everything that a node alone can tell
// is checked here: the one encoding, valid keys in order and of one layer, whole common prefixes.
// Errors: Fault::invalid, "InvalidNode". Views live as long as the reader and until the next entry.
class NodeReader {
  public:
    // Keys of this house are taken as valid and of one layer: the one that is given, if it is
    // known.
    static Result<NodeReader> open(ByteView bytes, KeysOf keys = KeysOf::strangers,
                                   int layer = unknown_layer);

    struct Entry {
        std::string_view key;
        Cid value;
        std::optional<Cid> right;
    };
    std::size_t entry_count() const { return entry_count_; }
    // Call entry_count() times, then finish().
    Result<Entry> next();
    // The subtree before the first key. The input must end here.
    Result<std::optional<Cid>> finish();
    // Of the first key; unknown_layer before it is read, if it was not given.
    int layer() const { return layer_; }

  private:
    NodeReader(ByteView bytes, KeysOf keys, int layer) : rest_(bytes), keys_(keys), layer_(layer) {}
    bool take(std::string_view expected);
    std::optional<std::uint64_t> take_head(std::uint8_t major);
    Result<std::optional<Cid>> take_link();
    Result<Cid> take_cid();
    Result<void> take_key();

    ByteView rest_;
    KeysOf keys_;
    std::size_t entry_count_ = 0;
    std::string key_;
    int layer_;
    bool has_subtree_ = false;
};

// Writes a node straight into the memory it is given, which must be large enough: bytes_max().
class NodeWriter {
  public:
    static std::size_t bytes_max(std::size_t entry_count, std::size_t keys_bytes) {
        return 64 + entry_count * 112 + keys_bytes;
    }

    NodeWriter(std::uint8_t* out, std::size_t entry_count);
    void entry(std::string_view previous_key, std::string_view key, const Cid& value,
               const Cid::Digest* right);
    // The end of what was written.
    std::uint8_t* finish(const Cid::Digest* left);

  private:
    void raw(const void* bytes, std::size_t size) {
        std::memcpy(out_, bytes, size);
        out_ += size;
    }
    void text(std::string_view bytes) { raw(bytes.data(), bytes.size()); }
    void head(std::uint8_t major, std::size_t argument);
    void link(const Cid::Digest* digest);
    void cid(Codec codec, const Cid::Digest& digest);

    std::uint8_t* out_;
};

}  // namespace roost::atproto::mst
