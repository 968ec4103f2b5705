// Speaks with a PLC directory: registers identities and asks for them. What belongs to a sign-up or
// an activation gets limits::plc_timeout_ms, a look-up what its caller says.
//
// A second directory, which copies the first, is asked for documents while the first one fails. It
// may lag behind, so what is about to be changed is never read there.
// https://web.plc.directory/spec/v0.1/did-plc
#pragma once

#include <optional>
#include <string>

#include "atproto/plc/operation.h"
#include "atproto/syntax/syntax.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http_client.h"

namespace roost::pds {

class PlcClient {
  public:
    PlcClient(net::HttpClient& http, std::string url, std::string fallback_url = "")
        : http_(http), url_(std::move(url)), fallback_url_(std::move(fallback_url)) {}

    // What became of a submitted operation. `unknown`: the request may have arrived, so only
    // asking for the DID tells.
    enum class Outcome { accepted, refused, unknown };
    struct Submission {
        Outcome outcome;
        std::string message;  // the directory's reason, or what went wrong on the way
    };
    // The operation is JSON, as stored.
    Task<Submission> submit(atproto::Did did, std::string operation_json);

    // The current state of an identity; none if the directory does not know it, or it was ended.
    // Errors: the directory cannot be asked now.
    Task<Result<std::optional<atproto::plc::State>>> state(atproto::Did did);
    // The operation that the next one builds on; none if the directory does not know the DID.
    // Errors as above.
    Task<Result<std::optional<atproto::plc::Operation>>> last_operation(atproto::Did did);
    // Its DID document, as JSON text; none if the directory does not know it, or it was ended.
    struct Document {
        std::optional<std::string> text;
        bool was_ended = false;
    };
    Task<Result<Document>> document(atproto::Did did, int timeout_ms);

  private:
    // An answer of status 200, 404 or 410.
    Task<Result<net::ClientResponse>> get(std::string url, int timeout_ms);

    net::HttpClient& http_;
    std::string url_;
    std::string fallback_url_;  // empty: there is none
};

}  // namespace roost::pds
