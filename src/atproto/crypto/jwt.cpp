#include "atproto/crypto/jwt.h"

#include <array>

#include "atproto/data/json.h"
#include "atproto/limits.h"
#include "base/encoding.h"

namespace roost::atproto::jwt {

namespace {

Error bad_jwt(std::string message) {
    return Error::unauthenticated(std::move(message), "BadJwt");
}

Result<Bytes> decode_part(std::string_view part, std::string_view name) {
    std::optional<Bytes> bytes = base64url_decode(part);
    if (!bytes) return bad_jwt("the token's " + std::string(name) + " is not base64url");
    return std::move(*bytes);
}

Result<Object> parse_object(std::string_view part, std::string_view name) {
    const Bytes bytes = TRY(decode_part(part, name));
    if (bytes.empty()) return bad_jwt("the token's " + std::string(name) + " is empty");
    Result<Value> value = json::parse(as_text(bytes));
    Object* const object = value ? std::get_if<Object>(&value->variant()) : nullptr;
    if (!object) return bad_jwt("the token's " + std::string(name) + " is not a JSON object");
    return std::move(*object);
}

std::string_view text_of(const Object& object, std::string_view key) {
    const Value* const value = object.find(key);
    const std::string* const text = value ? value->as<std::string>() : nullptr;
    return text ? std::string_view(*text) : std::string_view();
}

std::string signing_input(std::string_view algorithm, std::string_view type,
                          std::string_view payload_json) {
    std::string header = "{\"typ\":";
    json::append_string(header, type);
    header += ",\"alg\":";
    json::append_string(header, algorithm);
    header += '}';
    return base64url_encode(as_bytes(header)) + '.' + base64url_encode(as_bytes(payload_json));
}

}  // namespace

std::string_view Jwt::algorithm() const {
    return text_of(header, "alg");
}
std::string_view Jwt::type() const {
    return text_of(header, "typ");
}

std::optional<std::string_view> Jwt::text(std::string_view claim) const {
    const Value* const value = payload.find(claim);
    const std::string* const found = value ? value->as<std::string>() : nullptr;
    if (!found) return std::nullopt;
    return *found;
}

std::optional<std::int64_t> Jwt::number(std::string_view claim) const {
    const Value* const value = payload.find(claim);
    const std::int64_t* const found = value ? value->as<std::int64_t>() : nullptr;
    if (!found) return std::nullopt;
    return *found;
}

Result<Jwt> parse(std::string_view text) {
    if (text.size() > limits::jwt_bytes_max) return bad_jwt("the token is longer than 8 kB");
    const std::size_t first = text.find('.');
    const std::size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
    if (second == text.npos || text.find('.', second + 1) != text.npos)
        return bad_jwt("a token has three parts");

    Object header = TRY(parse_object(text.substr(0, first), "header"));
    if (text_of(header, "alg").empty()) return bad_jwt("the token's header names no algorithm");
    // RFC 7515, section 4.1.11: who does not understand a critical extension must refuse; we have
    // none to understand.
    if (header.find("crit")) return bad_jwt("the token's header has critical extensions");
    if (const Value* const type = header.find("typ"); type && !type->as<std::string>())
        return bad_jwt("the token's type is not a text");
    Object payload = TRY(parse_object(text.substr(first + 1, second - first - 1), "payload"));
    Bytes signature = TRY(decode_part(text.substr(second + 1), "signature"));
    return Jwt{std::move(header), std::move(payload), text.substr(0, second), std::move(signature)};
}

bool verify_hs256(const Jwt& jwt, const HmacKey& key) {
    return jwt.algorithm() == "HS256" && key.verify(jwt.signing_input, jwt.signature);
}

bool verify_es(const Jwt& jwt, const PublicKey& key, SPolicy policy) {
    return jwt.algorithm() == jwt_algorithm(key.curve()) &&
           key.verify(as_bytes(jwt.signing_input), jwt.signature, policy);
}

std::string sign_hs256(const HmacKey& key, std::string_view type, std::string_view payload_json) {
    std::string token = signing_input("HS256", type, payload_json);
    const HmacKey::Tag tag = key.sign(token);
    token += '.';
    token += base64url_encode(tag);
    return token;
}

std::string sign_es(const PrivateKey& key, std::string_view type, std::string_view payload_json) {
    std::string token = signing_input(jwt_algorithm(key.curve()), type, payload_json);
    const Signature signature = key.sign(as_bytes(token));
    token += '.';
    token += base64url_encode(signature);
    return token;
}

}  // namespace roost::atproto::jwt
