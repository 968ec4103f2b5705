// How a refusal looks on the wire: the status, and {"error": …, "message": …}.
// https://atproto.com/specs/xrpc#error-responses
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace roost::xrpc {

// Of every answer that is JSON.
inline constexpr std::string_view json_content_type = "application/json; charset=utf-8";

int http_status(Fault fault);

net::Response error_response(int status, std::string_view name, std::string_view message);
net::Response error_response(const Error& error);

}  // namespace roost::xrpc
