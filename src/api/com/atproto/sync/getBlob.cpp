#include "lexicon/com/atproto/sync/getBlob.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_view.h"
#include "net/byte_range.h"
#include "pds/blobs/blobs.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::sync::getBlob;

namespace {

// Bytes of an account are never to be taken for a page of this server.
// https://atproto.com/specs/blob#security-considerations
void add_headers(net::Response& response, const xrpc::Call& call, const std::string& cid) {
    response.add_header("X-Content-Type-Options", "nosniff");
    response.add_header("Content-Security-Policy", "default-src 'none'; sandbox");
    response.add_header("Content-Disposition", "attachment; filename=\"" + cid + "\"");
    response.add_header("ETag", "\"" + cid + "\"");
    response.add_header("Accept-Ranges", "bytes");
    // What is under a CID never changes, but it may be taken down. Answers to somebody with
    // credentials get another one from the router.
    if (!call.http.header("authorization"))
        response.add_header("Cache-Control", "public, max-age=600");
}

net::ByteRange range_of(const net::Request& request, std::int64_t total, const std::string& tag) {
    const auto range = request.header("range");
    const auto if_range = request.header("if-range");
    if (!range || (if_range && *if_range != tag)) return {net::ByteRange::Kind::whole, 0, total};
    return net::parse_range(*range, total);
}

Task<Result<net::Response>> answer(const Services& services, xrpc::Call& call, lex::Params params) {
    const Result<atproto::Cid> cid = atproto::Cid::parse(params.cid);
    const pds::Account account = CO_TRY(co_await find_open_repo(services, call, params.did.text()));
    if (!cid.has_value()) co_return Error::invalid("Blob not found");  // of a kind that is not here
    const pds::blob_store::Blob blob = CO_TRY(co_await services.blobs.find(account.id, *cid));
    const std::string tag = "\"" + blob.cid.text() + "\"";
    net::Response response;
    add_headers(response, call, blob.cid.text());
    if (const auto known = call.http.header("if-none-match");
        known && net::has_entity_tag(*known, tag)) {
        response.status = 304;
        co_return response;
    }
    const net::ByteRange range = range_of(call.http, blob.size, tag);
    response.content_type = blob.mime_type;
    if (range.kind != net::ByteRange::Kind::whole) {
        response.status = range.kind == net::ByteRange::Kind::part ? 206 : 416;
        response.add_header("Content-Range", net::content_range(range, blob.size));
    }
    response.source_size = static_cast<std::uint64_t>(range.size);
    if (call.http.method_text != "HEAD" && range.size > 0)
        response.source = CO_TRY(co_await services.blobs.read(blob, range.first, range.size));
    co_return response;
}

}  // namespace

void sync::add_getBlob(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>(repo_rule(xrpc::TakendownCallers::allowed),
                                with_services(services, answer));
}

}  // namespace roost::api
