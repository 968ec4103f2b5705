#include "atproto/crypto/p256.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <stdexcept>

#include "base/check.h"

namespace roost::atproto::p256 {

namespace {

template <auto free_function>
struct Deleter {
    void operator()(auto* object) const { free_function(object); }
};
using BigNumber = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;
using Group = std::unique_ptr<EC_GROUP, Deleter<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Deleter<EC_POINT_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

constexpr std::size_t number_size = 32;
constexpr std::size_t signature_size = 2 * number_size;
constexpr std::size_t der_size_max = 72;

using Number = std::array<std::uint8_t, number_size>;

// Half the order of the curve, rounded down; the largest low s. SEC 2, section 2.4.2.
constexpr Number half_order = {0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff,
                               0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b,
                               0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

// A call that fails only when memory is out or the library is broken.
void must(bool succeeded, const char* call) {
    if (!succeeded) throw std::runtime_error(std::string("OpenSSL: ") + call + " failed");
}

EVP_PKEY* raw(const Key& key) {
    return static_cast<EVP_PKEY*>(key.get());
}

const EC_GROUP* group() {
    static const Group the_group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    must(the_group != nullptr, "EC_GROUP_new_by_curve_name");
    return the_group.get();
}

// Null if the library refuses the point.
Key make_key(ByteView point, const BIGNUM* secret) {
    const ParamBuilder builder(OSSL_PARAM_BLD_new());
    must(builder && OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                                    SN_X9_62_prime256v1, 0) == 1,
         "OSSL_PARAM_BLD_push_utf8_string");
    must(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                          point.size()) == 1,
         "OSSL_PARAM_BLD_push_octet_string");
    if (secret)
        must(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1,
             "OSSL_PARAM_BLD_push_BN");
    const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    must(params && context && EVP_PKEY_fromdata_init(context.get()) == 1, "EVP_PKEY_fromdata_init");
    EVP_PKEY* key = nullptr;
    const int selection = secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) return nullptr;
    return Key(key);
}

ByteView first_half(ByteView signature) {
    return signature.first(number_size);
}
ByteView second_half(ByteView signature) {
    return signature.subspan(number_size);
}

BigNumber to_number(ByteView bytes) {
    BigNumber number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    must(number != nullptr, "BN_bin2bn");
    return number;
}

void write_number(std::span<std::uint8_t> to, const BIGNUM* number) {
    must(
        BN_bn2binpad(number, to.data(), static_cast<int>(to.size())) == static_cast<int>(to.size()),
        "BN_bn2binpad");
}

}  // namespace

void KeyDeleter::operator()(void* key) const {
    EVP_PKEY_free(static_cast<EVP_PKEY*>(key));
}

Key key_from_point(ByteView point) {
    const bool is_compressed = point.size() == 33 && (point[0] == 2 || point[0] == 3);
    const bool is_full = point.size() == 65 && point[0] == 4;
    if (!is_compressed && !is_full) return nullptr;
    return make_key(point, nullptr);
}

Key key_from_raw(const SecretBytes& secret) {
    if (secret.reveal().size() != number_size) return nullptr;
    const BigNumber number = to_number(secret.reveal());
    BN_set_flags(number.get(), BN_FLG_CONSTTIME);
    if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group())) >= 0)
        return nullptr;
    const Point point(EC_POINT_new(group()));
    must(point && EC_POINT_mul(group(), point.get(), number.get(), nullptr, nullptr, nullptr) == 1,
         "EC_POINT_mul");
    std::array<std::uint8_t, 65> full{};
    must(EC_POINT_point2oct(group(), point.get(), POINT_CONVERSION_UNCOMPRESSED, full.data(),
                            full.size(), nullptr) == full.size(),
         "EC_POINT_point2oct");
    Key key = make_key(full, number.get());
    must(key != nullptr, "EVP_PKEY_fromdata");
    return key;
}

std::array<std::uint8_t, 33> compressed_point(const Key& key) {
    std::array<std::uint8_t, 65> full{};
    std::size_t size = 0;
    must(EVP_PKEY_get_octet_string_param(raw(key), OSSL_PKEY_PARAM_PUB_KEY, full.data(),
                                         full.size(), &size) == 1,
         "EVP_PKEY_get_octet_string_param");
    std::array<std::uint8_t, 33> compressed{};
    if (size == compressed.size()) {
        std::ranges::copy_n(full.begin(), 33, compressed.begin());
        return compressed;
    }
    must(size == full.size(), "EVP_PKEY_get_octet_string_param");
    compressed[0] = full[64] % 2 == 0 ? 2 : 3;  // the parity of y
    std::ranges::copy_n(full.begin() + 1, 32, compressed.begin() + 1);
    return compressed;
}

std::array<std::uint8_t, 64> sign(const Key& key, ByteView hash) {
    const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, raw(key), nullptr));
    must(context && EVP_PKEY_sign_init(context.get()) == 1, "EVP_PKEY_sign_init");
    std::array<std::uint8_t, der_size_max> der{};
    std::size_t size = der.size();
    must(EVP_PKEY_sign(context.get(), der.data(), &size, hash.data(), hash.size()) == 1,
         "EVP_PKEY_sign");
    const std::uint8_t* place = der.data();
    const EcdsaSignature parsed(d2i_ECDSA_SIG(nullptr, &place, static_cast<long>(size)));
    must(parsed != nullptr, "d2i_ECDSA_SIG");

    std::array<std::uint8_t, signature_size> signature{};
    const std::span<std::uint8_t> out(signature);
    write_number(out.first(number_size), ECDSA_SIG_get0_r(parsed.get()));
    write_number(out.subspan(number_size), ECDSA_SIG_get0_s(parsed.get()));
    if (!is_low_s(signature)) {
        const BigNumber mirrored(BN_new());
        must(mirrored && BN_sub(mirrored.get(), EC_GROUP_get0_order(group()),
                                ECDSA_SIG_get0_s(parsed.get())) == 1,
             "BN_sub");
        write_number(out.subspan(number_size), mirrored.get());
    }
    return signature;
}

bool is_low_s(ByteView signature) {
    check(signature.size() == signature_size, "a signature of 64 bytes");
    return !std::ranges::lexicographical_compare(half_order, second_half(signature));
}

bool verify(const Key& key, ByteView hash, ByteView signature) {
    if (signature.size() != signature_size) return false;
    const EcdsaSignature parsed(ECDSA_SIG_new());
    must(parsed && ECDSA_SIG_set0(parsed.get(), to_number(first_half(signature)).release(),
                                  to_number(second_half(signature)).release()) == 1,
         "ECDSA_SIG_set0");
    std::array<std::uint8_t, der_size_max> der{};
    std::uint8_t* place = der.data();
    const int size = i2d_ECDSA_SIG(parsed.get(), &place);
    must(size > 0 && size <= static_cast<int>(der.size()), "i2d_ECDSA_SIG");
    const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, raw(key), nullptr));
    must(context && EVP_PKEY_verify_init(context.get()) == 1, "EVP_PKEY_verify_init");
    return EVP_PKEY_verify(context.get(), der.data(), static_cast<std::size_t>(size), hash.data(),
                           hash.size()) == 1;
}

}  // namespace roost::atproto::p256
