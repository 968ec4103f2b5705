// Strict DAG-CBOR: one spelling for each value, so that equal values have equal CIDs.
//
// Encoding sorts map keys by length, then bytewise. Decoding accepts only what encoding writes:
// minimal lengths, definite items, sorted unique text keys, tag 42 with a CID, no floats, no other
// tags or simple values; nesting at most max_depth; allocation bounded by the input's size.
// https://atproto.com/specs/data-model#data-model-and-encoding,
// https://ipld.io/specs/codecs/dag-cbor/spec/
#pragma once

#include "atproto/data/limits.h"
#include "atproto/data/value.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto::cbor {

inline constexpr int max_depth = parsed_depth_max;

Bytes encode(const Value& value);
void encode_to(Bytes& out, const Value& value);
// The whole input must be one item.
Result<Value> decode(ByteView bytes);
// The first item of the input, and how many bytes it took (event stream frames hold two).
struct Prefix {
    Value value;
    std::size_t size;
};
Result<Prefix> decode_prefix(ByteView bytes);

// Hand-built blocks (MST nodes, commits, events) are appended item by item. The caller keeps the
// key order; tests compare with encode().
void append_head(Bytes& out, std::uint8_t major, std::uint64_t argument);
void append_text(Bytes& out, std::string_view text);
void append_bytes(Bytes& out, ByteView bytes);
void append_int(Bytes& out, std::int64_t number);
void append_cid(Bytes& out, const Cid& cid);
void append_null(Bytes& out);
void append_bool(Bytes& out, bool value);

}  // namespace roost::atproto::cbor
