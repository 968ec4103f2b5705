// Finds what the network knows of a DID or a handle.
//
// DID documents of did:plc come from the PLC directory, of did:web from their host. Handles are
// resolved by DNS (TXT _atproto.HANDLE) and by HTTPS (/.well-known/atproto-did). Documents that
// were found are remembered for those who do not need today's (LookUpCache); handles are not: they
// are asked for at sign-up and migration only. Any Executor's thread.
// https://atproto.com/specs/did, https://atproto.com/specs/handle#handle-resolution
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "atproto/plc/did_document.h"
#include "atproto/syntax/syntax.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http_client.h"
#include "pds/identity/plc_client.h"
#include "pds/look_up_cache.h"

namespace roost::pds {

using FoundDocument = Found<atproto::DidDocument>;
using DidCache = LookUpCache<atproto::DidDocument>;

class Resolver {
  public:
    struct Ages {  // as DidCache has them
        std::int64_t stale_ms;
        std::int64_t max_ms;
    };
    struct Options {
        int timeout_ms;  // of one look-up
        Ages ages;
    };
    // Outlives the tasks of its executors: a look-up goes on when nobody waits for it any more.
    Resolver(net::HttpClient& http, PlcClient& plc, Options options);

    // Asks now. Nothing if there is no such DID. Errors: it cannot be asked now, or the answer is
    // no document.
    Task<FoundDocument> did_document(atproto::Did did);
    // The same, as it was found before if that is not too long ago; one that is getting old is
    // looked up again meanwhile. Many who ask at once cause one look-up.
    Task<FoundDocument> remembered_did_document(atproto::Did did, Timestamp time);
    // Nothing if the handle names no DID by either way.
    Task<std::optional<atproto::Did>> handle(atproto::Handle handle);

  private:
    Task<Result<std::optional<std::string>>> web_document(atproto::Did did);
    Task<FoundDocument> look_up(atproto::Did did, Timestamp time);
    Task<void> fly(atproto::Did did, std::shared_ptr<Flight<atproto::DidDocument>> flight,
                   Timestamp time);

    net::HttpClient& http_;
    PlcClient& plc_;
    int timeout_ms_;
    DidCache cache_;
};

}  // namespace roost::pds
