// How tests make a client that trusts their own certificate.
#pragma once

#include "net/http_client.h"

namespace roost::net {

std::unique_ptr<HttpClient> make_client(HttpClient::Options options,
                                        const std::string& extra_authorities_file);

}  // namespace roost::net
