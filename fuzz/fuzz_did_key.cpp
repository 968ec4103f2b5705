// A key that is accepted is written the same again.
#include "atproto/crypto/keys.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using roost::atproto::PublicKey;
    const std::string_view text = roost::as_text({data, size});
    if (const auto key = PublicKey::parse_did_key(text))
        roost::check(key->did_key() == text, "the text is the same");
    if (const auto key = PublicKey::parse_multikey(text))
        roost::check(PublicKey::parse_multikey(key->multikey()).value() == *key, "the same key");
    return 0;
}
