#include "pds/blobs/s3_signature.h"

#include <gtest/gtest.h>

namespace roost::pds {
namespace {

// The examples of the signature's documentation, with the keys that it publishes.
const S3Credentials credentials{
    .access_key_id = "AKIAIOSFODNN7EXAMPLE",
    .secret_access_key = SecretText("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    .region = "us-east-1"};
constexpr Timestamp time{1'369'353'600'000'000};  // 2013-05-24T00:00:00Z

std::string authorization(const S3Request& request) {
    for (const auto& [name, value] : sign_s3(request, credentials, time))
        if (name == "authorization") return value;
    return "";
}

TEST(S3Signature, OfGetObject) {
    EXPECT_EQ(authorization({.method = "GET",
                             .host = "examplebucket.s3.amazonaws.com",
                             .path = "/test.txt",
                             .payload_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca49"
                                               "5991b7852b855",
                             .headers = {{"range", "bytes=0-9"}}}),
              "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
              "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
              "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(S3Signature, OfPutObject) {
    EXPECT_EQ(authorization({.method = "PUT",
                             .host = "examplebucket.s3.amazonaws.com",
                             .path = "/test%24file.text",
                             .payload_sha256 = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e4203"
                                               "4a8b803f8b072",
                             .headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                                         {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}}),
              "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
              "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
              "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(S3Signature, HeadersThatAreSent) {
    const auto headers = sign_s3({.method = "HEAD",
                                  .host = "h",
                                  .path = "/b/k",
                                  .payload_sha256 = "ab",
                                  .headers = {{"range", "bytes=1-2"}}},
                                 credentials, time);
    ASSERT_EQ(headers.size(), 4u);
    EXPECT_EQ(headers[0], (std::pair<std::string, std::string>("range", "bytes=1-2")));
    EXPECT_EQ(headers[1], (std::pair<std::string, std::string>("x-amz-content-sha256", "ab")));
    EXPECT_EQ(headers[2], (std::pair<std::string, std::string>("x-amz-date", "20130524T000000Z")));
}

}  // namespace
}  // namespace roost::pds
