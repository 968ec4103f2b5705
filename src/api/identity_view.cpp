#include "api/identity_view.h"

#include "base/check.h"

namespace roost::api {

lexicon::com::atproto::identity::defs::IdentityInfo identity_info(
    const pds::Identities::Identity& identity) {
    const Result<atproto::Handle> none = atproto::Handle::parse("handle.invalid");
    check(none.has_value(), "handle.invalid has the form of a handle");
    return {.did = identity.document.did(),
            .handle = identity.handle.value_or(*none),
            .didDoc = identity.document.value()};
}

}  // namespace roost::api
