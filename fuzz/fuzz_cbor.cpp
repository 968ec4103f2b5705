// What the decoder accepts has one spelling: encoding it gives the same bytes.
#include <algorithm>

#include "atproto/data/cbor.h"
#include "atproto/data/json.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace cbor = roost::atproto::cbor;
    const roost::ByteView input(data, size);
    auto prefix = cbor::decode_prefix(input);
    auto whole = cbor::decode(input);
    roost::check(whole.has_value() == (prefix && prefix->size == size),
                 "decode() is decode_prefix() of everything");
    std::string json;
    const bool is_json = roost::atproto::json::append_cbor(json, input).has_value();
    roost::check(is_json == whole.has_value(), "JSON is made of what can be decoded");
    if (is_json) roost::check(json == roost::atproto::json::write(*whole), "of the same value");
    if (!prefix) return 0;
    const roost::Bytes encoded = cbor::encode(prefix->value);
    roost::check(std::ranges::equal(encoded, input.first(prefix->size)),
                 "decoding and encoding gives the same bytes");
    return 0;
}
