#include "lexicon/com/atproto/repo/importRepo.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/repos/repo_imports.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::importRepo;

namespace {

Task<Result<lex::Method::Output>> answer(const Services& services, xrpc::Call& call, lex::Input) {
    const std::string_view encoding = call.http.header("content-encoding").value_or("identity");
    if (encoding != "identity")
        co_return Error{Fault::unsupported_encoding, "UnsupportedEncoding",
                        "A repository is sent as it is, without Content-Encoding"};
    CO_TRY(co_await services.imports.run(call.account(), *call.http.body));
    co_return lex::Method::Output();
}

}  // namespace

void repo::add_importRepo(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::full_access}, with_services(services, answer));
}

}  // namespace roost::api
