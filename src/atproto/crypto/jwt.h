// Signed tokens in the compact form: HEADER.PAYLOAD.SIGNATURE, each base64url.
//
// Only the form is judged here. What a token must claim is decided where the token's purpose is
// known: by crypto/service_jwt.h and by the stores of sessions and OAuth.
//
// A token never chooses how it is checked: the caller names the one algorithm by the kind of key it
// brings, and a header with another one fails. Header members that name keys or their addresses
// (jwk, jku, kid, x5u) are not looked at.
// https://www.rfc-editor.org/rfc/rfc7515, https://www.rfc-editor.org/rfc/rfc8725
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "atproto/crypto/hmac.h"
#include "atproto/crypto/keys.h"
#include "atproto/data/value.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto::jwt {

struct Jwt {
    Object header;  // "alg" is there and a text, "crit" is not
    Object payload;
    std::string_view signing_input;  // a view of the parsed text, which must outlive it
    Bytes signature;

    std::string_view algorithm() const;
    std::string_view type() const;  // the header's "typ"; empty if absent
    // A claim of the payload if it is there and of that kind.
    std::optional<std::string_view> text(std::string_view claim) const;
    std::optional<std::int64_t> number(std::string_view claim) const;
};

// Errors: Fault::unauthenticated, "BadJwt": longer than limits::jwt_bytes_max, not three parts, not
// base64url, not a JSON object or one with duplicate keys, no "alg", a "crit" header.
Result<Jwt> parse(std::string_view text);

// True if the header says HS256 and the signature is this key's.
bool verify_hs256(const Jwt& jwt, const HmacKey& key);
// True if the header names the algorithm of the key's curve and the signature is this key's.
bool verify_es(const Jwt& jwt, const PublicKey& key, SPolicy policy);

// The payload is a JSON object, ready made.
std::string sign_hs256(const HmacKey& key, std::string_view type, std::string_view payload_json);
std::string sign_es(const PrivateKey& key, std::string_view type, std::string_view payload_json);

}  // namespace roost::atproto::jwt
