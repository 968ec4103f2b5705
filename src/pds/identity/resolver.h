// Finds what the network knows of a DID or a handle.
//
// DID documents of did:plc come from the PLC directory, of did:web from their host. Handles are
// resolved by DNS (TXT _atproto.HANDLE), then by HTTPS (/.well-known/atproto-did), and last by the
// backup name servers, if there are any. What was found is remembered for those who do not need
// today's (LookUpCache): documents as long as the options say, handles for minutes. No host is
// asked more often than FetchLimit allows. Any Executor's thread. https://atproto.com/specs/did,
// https://atproto.com/specs/handle#handle-resolution
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "atproto/plc/did_document.h"
#include "atproto/syntax/syntax.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http_client.h"
#include "pds/identity/fetch_limit.h"
#include "pds/identity/plc_client.h"
#include "pds/look_up_cache.h"

namespace roost::pds {

using FoundDocument = Found<atproto::DidDocument>;
using FoundDid = Found<atproto::Did>;

// A DID that there is, or was.
struct KnownDid {
    std::optional<atproto::DidDocument> document;  // none: its owner has ended it
};

class Resolver {
  public:
    struct Ages {  // as LookUpCache has them
        std::int64_t stale_ms;
        std::int64_t max_ms;
    };
    struct Options {
        int timeout_ms;  // of one look-up
        Ages ages;       // of DID documents
    };
    // Outlives the tasks of its executors: a look-up goes on when nobody waits for it any more.
    Resolver(net::HttpClient& http, PlcClient& plc, Options options);

    // Asks now. Nothing if there is no such DID. Errors: DidDeactivated; it cannot be asked now, or
    // the answer is no document.
    Task<FoundDocument> did_document(atproto::Did did);
    // The same, as it was found before if that is not too long ago; one that is getting old is
    // looked up again meanwhile. Many who ask at once cause one look-up.
    Task<FoundDocument> remembered_did_document(atproto::Did did, Timestamp time);

    // Asks now. Nothing if the handle names no DID by any way. Errors: it cannot be asked now.
    Task<FoundDid> handle(atproto::Handle handle);
    // The same, as it was found some minutes before, as with documents.
    Task<FoundDid> remembered_handle(atproto::Handle handle, Timestamp time);

  private:
    using DidCache = LookUpCache<KnownDid>;
    using HandleCache = LookUpCache<atproto::Did>;

    Task<Result<PlcClient::Document>> web_document(atproto::Did did, Timestamp time);
    Task<Found<KnownDid>> look_up(atproto::Did did, Timestamp time);
    Task<void> fly(atproto::Did did, std::shared_ptr<Flight<KnownDid>> flight, Timestamp time);

    Task<FoundDid> handle_by_web(atproto::Handle handle, int timeout_ms);
    Task<FoundDid> find_handle(atproto::Handle handle, Timestamp time);
    Task<FoundDid> look_up_handle(atproto::Handle handle, Timestamp time);
    Task<void> fly_for_handle(atproto::Handle handle, std::shared_ptr<Flight<atproto::Did>> flight,
                              Timestamp time);

    net::HttpClient& http_;
    PlcClient& plc_;
    int timeout_ms_;
    DidCache dids_;
    HandleCache handles_;
    FetchLimit hosts_;
};

}  // namespace roost::pds
