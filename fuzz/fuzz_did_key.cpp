// A key that is accepted is written the same again. The input is a text of a key, or its bytes: a
// byte that chooses the curve, and a point.
#include "atproto/crypto/keys.h"
#include "base/check.h"

namespace {

using roost::atproto::Curve;
using roost::atproto::PublicKey;

void try_text(std::string_view text) {
    if (const auto key = PublicKey::parse_did_key(text))
        roost::check(key->did_key() == text, "the text is the same");
    if (const auto key = PublicKey::parse_multikey(text))
        roost::check(key->multikey() == text, "the text is the same");
}

void try_point(Curve curve, roost::ByteView point) {
    const auto key = PublicKey::from_point(curve, point);
    if (!key) return;
    roost::check(PublicKey::parse_did_key(key->did_key()).value() == *key, "the same key");
    roost::check(PublicKey::from_point(curve, key->compressed()).value() == *key, "the same point");
    roost::check(!key->verify(point, roost::Bytes(64, point[1])), "nobody guesses a signature");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const roost::ByteView bytes(data, size);
    try_text(roost::as_text(bytes));
    if (size > 0) try_point(data[0] % 2 == 0 ? Curve::p256 : Curve::k256, bytes.subspan(1));
    return 0;
}
