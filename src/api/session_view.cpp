#include "api/session_view.h"
#include "pds/identity/resolver.h"

namespace roost::api {

Task<std::optional<atproto::Value>> did_document_for_session(const Services& services,
                                                             atproto::Did did) {
    const Result<std::optional<atproto::DidDocument>> document =
        co_await services.resolver.remembered_did_document(std::move(did), now());
    if (!document.has_value() || !document->has_value()) co_return std::nullopt;
    co_return (*document)->value();
}

}  // namespace roost::api
