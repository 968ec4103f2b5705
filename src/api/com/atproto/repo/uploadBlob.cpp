#include "lexicon/com/atproto/repo/uploadBlob.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "atproto/data/value.h"
#include "pds/accounts/account_store.h"
#include "pds/blobs/blobs.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::uploadBlob;

namespace {

constexpr std::int64_t day_s = 24 * 60 * 60;

// A service uploads for an account that gave it a token, as a video service does.
Task<Result<std::int64_t>> find_owner(const Services& services, const xrpc::Call& call) {
    const auto* service = std::get_if<xrpc::OtherService>(&call.caller);
    if (service == nullptr) co_return call.account().id;
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<std::int64_t> {
        const auto account = pds::account_store::find_by_did(t, service->did);
        if (!account) return Error::forbidden("Account not found", "AccountNotFound");
        if (account->takedown_ref)
            return Error::unauthenticated("Account has been taken down", "AccountTakedown");
        return account->id;
    });
}

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input) {
    const std::string_view encoding = call.http.header("content-encoding").value_or("identity");
    if (encoding != "identity")
        co_return Error{Fault::unsupported_encoding, "UnsupportedEncoding",
                        "A blob is sent as it is, without Content-Encoding"};
    const std::int64_t owner = CO_TRY(co_await find_owner(services, call));
    const pds::blob_store::Blob blob = CO_TRY(co_await services.blobs.upload(
        owner, std::string(call.http.header("content-type").value_or("")), *call.http.body));
    atproto::Object ref;
    ref.set("$type", std::string("blob"));
    ref.set("ref", blob.cid);
    ref.set("mimeType", blob.mime_type);
    ref.set("size", blob.size);
    co_return lex::Output{.blob = atproto::Value(std::move(ref))};
}

}  // namespace

void repo::add_uploadBlob(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(
        {.needs = xrpc::Needs::standard_access_or_service,
         .limits = {{.points = 1'000, .window_s = day_s, .count_by = xrpc::CountBy::account}}},
        with_services(services, answer));
}

}  // namespace roost::api
