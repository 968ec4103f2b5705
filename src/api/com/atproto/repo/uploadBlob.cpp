#include "lexicon/com/atproto/repo/uploadBlob.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "atproto/data/value.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::uploadBlob;

namespace {

constexpr std::int64_t day_s = 24 * 60 * 60;

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input) {
    const std::string_view encoding = call.http.header("content-encoding").value_or("identity");
    if (encoding != "identity")
        co_return Error{Fault::unsupported_encoding, "UnsupportedEncoding",
                        "A blob is sent as it is, without Content-Encoding"};
    const pds::blob_store::Blob blob = CO_TRY(co_await services.blobs.upload(
        call.account().id, std::string(call.http.header("content-type").value_or("")),
        *call.http.body));
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
        {.needs = xrpc::Needs::standard_access,
         .limits = {{.points = 1'000, .window_s = day_s, .count_by = xrpc::CountBy::account}}},
        with_services(services, answer));
}

}  // namespace roost::api
