// DID documents: written for a did:plc identity, and read from any method.
//
// Reading is forgiving as the specification is: an entry that cannot be used is passed over, the
// first that can be used counts. Only a document without a right "id" is refused.
// https://atproto.com/specs/did#did-documents
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "atproto/crypto/keys.h"
#include "atproto/data/value.h"
#include "atproto/plc/operation.h"
#include "atproto/syntax/syntax.h"
#include "base/result.h"

namespace roost::atproto {

// The document of a did:plc identity, as the public directory writes it.
Value format_did_document(const Did& did, const plc::State& state);

class DidDocument {
  public:
    // The document must be about this DID. Errors: Fault::invalid, "InvalidDidDocument".
    static Result<DidDocument> parse(const Did& did, Value document);

    const Did& did() const { return did_; }
    const Value& value() const { return document_; }
    // The first alias at://… that is a valid handle. It is a claim until the handle resolves back.
    std::optional<Handle> handle() const;
    std::optional<PublicKey> signing_key() const { return key("atproto"); }
    std::optional<std::string> pds_endpoint() const {
        return service_endpoint("atproto_pds", "AtprotoPersonalDataServer");
    }
    std::optional<std::string> labeler_endpoint() const {
        return service_endpoint("atproto_labeler", "AtprotoLabeler");
    }

    // The verification method DID#name.
    std::optional<PublicKey> key(std::string_view name) const;
    // The http(s) URL of the service DID#name; of that type, unless the type is empty.
    std::optional<std::string> service_endpoint(std::string_view name, std::string_view type) const;

  private:
    DidDocument(Did did, Value document) : did_(std::move(did)), document_(std::move(document)) {}
    template <class Use>
    auto find_entry(std::string_view list, std::string_view name, Use use) const
        -> decltype(use(std::declval<const Object&>()));

    Did did_;
    Value document_;
};

}  // namespace roost::atproto
