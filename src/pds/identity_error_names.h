// The names of what looking identities up may end in, as the documents of com.atproto.identity
// declare them; the others are in pds/error_names.h.
#pragma once

#include "lexicon/com/atproto/identity/refreshIdentity.h"
#include "lexicon/com/atproto/identity/resolveDid.h"
#include "lexicon/com/atproto/identity/resolveHandle.h"
#include "lexicon/com/atproto/identity/resolveIdentity.h"
#include "pds/error_names.h"

namespace roost::pds::error_names {

namespace identity = lexicon::com::atproto::identity;

inline constexpr lexicon::ErrorName HandleNotFound =
    same(identity::resolveHandle::errors::HandleNotFound,
         identity::resolveIdentity::errors::HandleNotFound,
         identity::refreshIdentity::errors::HandleNotFound);
inline constexpr lexicon::ErrorName DidNotFound =
    same(identity::resolveDid::errors::DidNotFound, identity::resolveIdentity::errors::DidNotFound,
         identity::refreshIdentity::errors::DidNotFound);
inline constexpr lexicon::ErrorName DidDeactivated = same(
    identity::resolveDid::errors::DidDeactivated, identity::resolveIdentity::errors::DidDeactivated,
    identity::refreshIdentity::errors::DidDeactivated);

}  // namespace roost::pds::error_names
