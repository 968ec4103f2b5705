#include "pds/accounts/identities.h"

#include "pds/account.h"
#include "pds/accounts/account_store.h"
#include "pds/identity_error_names.h"

namespace roost::pds {

Task<Result<atproto::Did>> Identities::did_of(atproto::Handle handle, Freshness freshness) {
    const std::optional<Account> account =
        CO_TRY(co_await db_.read([&](db::Transaction& t) -> Result<std::optional<Account>> {
            return account_store::find_by_handle(t, handle);
        }));
    if (account && account->is_active()) co_return account->did;
    const Error not_found = refusal("Unable to resolve handle", error_names::HandleNotFound);
    if (handles_.is_ours(handle)) co_return not_found;
    const FoundDid found = freshness == Freshness::asked_now
                               ? co_await resolver_.handle(handle)
                               : co_await resolver_.remembered_handle(handle, now());
    // That it cannot be asked now is no news to a client that cannot do anything about it either.
    if (!found.has_value() || !found->has_value()) co_return not_found;
    co_return **found;
}

Task<Result<atproto::DidDocument>> Identities::document_of(atproto::Did did, Freshness freshness) {
    const std::optional<atproto::DidDocument> document = CO_TRY(
        freshness == Freshness::asked_now ? co_await resolver_.did_document(did)
                                          : co_await resolver_.remembered_did_document(did, now()));
    if (!document) co_return refusal("There is no " + did.text(), error_names::DidNotFound);
    co_return *document;
}

Task<Result<Identities::Identity>> Identities::identity_of(std::string identifier,
                                                           Freshness freshness) {
    std::optional<atproto::Handle> asked;
    std::optional<atproto::Did> did;
    if (identifier.starts_with("did:")) {
        did = CO_TRY(atproto::Did::parse(identifier));
    } else {
        asked = CO_TRY(handles_.normalize(identifier));
        did = CO_TRY(co_await did_of(*asked, freshness));
    }
    Identity identity {
        CO_TRY(co_await document_of(*did, freshness))
        , std::nullopt
    };
    const std::optional<atproto::Handle> claimed = identity.document.handle();
    if (!claimed) co_return identity;
    if (claimed == asked) {
        identity.handle = claimed;
        co_return identity;
    }
    const Result<atproto::Did> back = co_await did_of(*claimed, freshness);
    if (back.has_value() && *back == *did) identity.handle = claimed;
    co_return identity;
}

}  // namespace roost::pds
