// A token of any bytes is parsed or refused; one that parses has a signing input inside its text.
#include "atproto/crypto/jwt.h"
#include "atproto/crypto/service_jwt.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace jwt = roost::atproto::jwt;
    const std::string_view text = roost::as_text({data, size});
    static const roost::atproto::HmacKey key(roost::SecretBytes(roost::Bytes(32, 7)));
    if (const auto token = jwt::parse(text)) {
        roost::check(text.starts_with(token->signing_input),
                     "the signing input is the text's start");
        roost::check(!jwt::verify_hs256(*token, key), "nobody guesses a signature");
    }
    const std::string own_did = "did:web:example.com";
    static_cast<void>(roost::atproto::ServiceJwt::parse(
        text, {.now = {}, .own_dids = {&own_did, 1}, .method = "com.example.method"}));
    return 0;
}
