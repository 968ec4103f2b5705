#include "pds/blobs/s3_signature.h"

#include <algorithm>

#include "atproto/crypto/hmac.h"
#include "atproto/data/cid.h"
#include "base/encoding.h"

namespace roost::pds {

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

// "20130524T000000Z"
std::string basic_time(Timestamp time) {
    std::string text = to_iso8601({time.seconds() * 1'000'000}).substr(0, 19) + "Z";
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

atproto::HmacKey::Tag hmac(ByteView key, std::string_view message) {
    return atproto::HmacKey(SecretBytes(Bytes(key.begin(), key.end()))).sign(message);
}

atproto::HmacKey::Tag signing_key(const S3Credentials& credentials, std::string_view date) {
    const SecretText start("AWS4" + credentials.secret_access_key.reveal());
    auto key = hmac(as_bytes(start.reveal()), date);
    for (const std::string_view part : {std::string_view(credentials.region),
                                        std::string_view("s3"), std::string_view("aws4_request")})
        key = hmac(key, part);
    return key;
}

}  // namespace

Headers sign_s3(const S3Request& request, const S3Credentials& credentials, Timestamp time) {
    const std::string stamp = basic_time(time);
    const std::string date = stamp.substr(0, 8);
    Headers sent = request.headers;
    sent.emplace_back("x-amz-content-sha256", request.payload_sha256);
    sent.emplace_back("x-amz-date", stamp);
    Headers all = sent;
    all.emplace_back("host", request.host);
    std::ranges::sort(all);

    std::string canonical, names;
    canonical.append(request.method).append("\n").append(request.path).append("\n\n");
    for (const auto& [name, value] : all) {
        canonical.append(name).append(":").append(value).append("\n");
        names.append(names.empty() ? "" : ";").append(name);
    }
    canonical.append("\n").append(names).append("\n").append(request.payload_sha256);

    const std::string scope = date + "/" + credentials.region + "/s3/aws4_request";
    const std::string to_sign = std::string(algorithm) + "\n" + stamp + "\n" + scope + "\n" +
                                hex_encode(atproto::sha256(as_bytes(canonical)));
    auto key = signing_key(credentials, date);
    const std::string signature = hex_encode(hmac(key, to_sign));
    wipe(key.data(), key.size());
    sent.emplace_back("authorization",
                      std::string(algorithm) + " Credential=" + credentials.access_key_id + "/" +
                          scope + ",SignedHeaders=" + names + ",Signature=" + signature);
    return sent;
}

}  // namespace roost::pds
