// Finds what the network knows of a DID or a handle.
//
// DID documents of did:plc come from the PLC directory, of did:web from their host. Handles are
// resolved by DNS (TXT _atproto.HANDLE) and by HTTPS (/.well-known/atproto-did). Nothing is cached:
// these questions are asked at sign-up, migration and service log-ins only.
// https://atproto.com/specs/did, https://atproto.com/specs/handle#handle-resolution
#pragma once

#include <optional>

#include "atproto/plc/did_document.h"
#include "atproto/syntax/syntax.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http_client.h"
#include "pds/identity/plc_client.h"

namespace roost::pds {

class Resolver {
  public:
    Resolver(net::HttpClient& http, PlcClient& plc, int timeout_ms)
        : http_(http), plc_(plc), timeout_ms_(timeout_ms) {}

    // Nothing if there is no such DID. Errors: it cannot be asked now, or the answer is no
    // document.
    Task<Result<std::optional<atproto::DidDocument>>> did_document(atproto::Did did);
    // Nothing if the handle names no DID by either way.
    Task<std::optional<atproto::Did>> handle(atproto::Handle handle);

  private:
    Task<Result<std::optional<std::string>>> web_document(atproto::Did did);

    net::HttpClient& http_;
    PlcClient& plc_;
    int timeout_ms_;
};

}  // namespace roost::pds
