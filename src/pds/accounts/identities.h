// Who is who, as this server answers it to others: what its own accounts say goes before the
// network, and a handle counts only if it and the DID document name each other.
// https://atproto.com/specs/handle#handle-resolution
#pragma once

#include <optional>
#include <string>

#include "atproto/plc/did_document.h"
#include "atproto/syntax/syntax.h"
#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/accounts/handle_policy.h"
#include "pds/identity/resolver.h"

namespace roost::pds {

// Whether what was found before will do.
enum class Freshness { remembered, asked_now };

class Identities {
  public:
    Identities(db::Database& db, const HandlePolicy& handles, Resolver& resolver)
        : db_(db), handles_(handles), resolver_(resolver) {}

    // The account that has the handle, else whom the network names; nothing below our own domains,
    // where nobody else knows more. Errors: HandleNotFound.
    Task<Result<atproto::Did>> did_of(atproto::Handle handle, Freshness freshness);
    // Errors: DidNotFound, DidDeactivated; UpstreamFailure, UpstreamTimeout.
    Task<Result<atproto::DidDocument>> document_of(atproto::Did did, Freshness freshness);

    struct Identity {
        atproto::DidDocument document;
        std::optional<atproto::Handle> handle;  // none: none that is right
    };
    // Of a DID or a handle. Errors: all of the above. A handle that names a DID whose document does
    // not name it is no error: the identity then has the document's handle, or none.
    Task<Result<Identity>> identity_of(std::string identifier, Freshness freshness);

  private:
    db::Database& db_;
    const HandlePolicy& handles_;
    Resolver& resolver_;
};

}  // namespace roost::pds
