// Signs requests to an S3 store. Pure; any thread.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"

namespace roost::pds {

struct S3Credentials {
    std::string access_key_id;
    SecretText secret_access_key;
    std::string region;
};

struct S3Request {
    std::string_view method;
    std::string_view host;            // as the Host header says it
    std::string_view path;            // percent-encoded; there is no query
    std::string_view payload_sha256;  // hex
    // Further headers to sign, names in lower case.
    std::vector<std::pair<std::string, std::string>> headers = {};
};

// The headers to send besides Host: those of the request, and what the signature adds.
std::vector<std::pair<std::string, std::string>> sign_s3(const S3Request& request,
                                                         const S3Credentials& credentials,
                                                         Timestamp time);

}  // namespace roost::pds
