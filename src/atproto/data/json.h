// JSON of the atproto data model, both ways.
//
// parse(): strict UTF-8 JSON (no duplicate keys, no lone surrogates, no trailing bytes, nesting at
// most 64) into a Value; {"$link": …} becomes a Cid and {"$bytes": …} becomes Bytes; a number with
// a fraction or beyond 64 bits is refused, except that an integral float within ±2^53 is its
// integer. https://atproto.com/specs/data-model#json-representation
#pragma once

#include <string>
#include <string_view>

#include "atproto/data/limits.h"
#include "atproto/data/value.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto::json {

inline constexpr int max_depth = parsed_depth_max;

// Errors: Fault::invalid, "InvalidRequest", the message names the place where it can.
Result<Value> parse(std::string_view text);

std::string write(const Value& value);
void write_to(std::string& out, const Value& value);

// The JSON of one item of DAG-CBOR, without a Value in between. Errors: those of cbor::decode();
// something may have been appended by then.
Result<void> append_cbor(std::string& out, ByteView cbor);

// Building answers by hand, without a Value in between. The caller writes the punctuation.
void append_string(std::string& out, std::string_view text);  // quoted and escaped
void append_int(std::string& out, std::int64_t number);

}  // namespace roost::atproto::json
