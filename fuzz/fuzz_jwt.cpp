// A token of any bytes is parsed or refused; one that parses has a signing input inside its text.
// The input is a token, or what a token holds: the header, a line break, and the payload.
#include <string>

#include "atproto/crypto/jwt.h"
#include "atproto/crypto/service_jwt.h"
#include "base/check.h"
#include "base/encoding.h"

namespace {

using namespace roost;

void try_token(std::string_view text) {
    namespace jwt = roost::atproto::jwt;
    static const atproto::HmacKey key(SecretBytes(Bytes(32, 7)));
    static const std::string own_did = "did:web:example.com";
    const auto token = jwt::parse(text);
    if (token) {
        check(text.starts_with(token->signing_input), "the signing input is the text's start");
        check(!jwt::verify_hs256(*token, key), "nobody guesses a signature");
    }
    const auto service = atproto::ServiceJwt::parse(
        text, {.now = {}, .own_dids = {&own_did, 1}, .method = "com.example.method"});
    check(!service || token, "a service token is a token");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text({data, size});
    try_token(text);
    const std::size_t line_end = text.find('\n');
    if (line_end == text.npos) return 0;
    const std::string header = base64url_encode(as_bytes(text.substr(0, line_end)));
    const std::string payload = base64url_encode(as_bytes(text.substr(line_end + 1)));
    try_token(header + '.' + payload + ".c2lnbmF0dXJl");
    return 0;
}
