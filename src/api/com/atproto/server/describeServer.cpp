#include "lexicon/com/atproto/server/describeServer.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/handle_policy.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::describeServer;

namespace {

std::string description(const Services& services) {
    const ServerFacts& facts = services.facts;
    const lex::Output output{
        .inviteCodeRequired = facts.invites == pds::InvitePolicy::required,
        .phoneVerificationRequired = std::nullopt,
        .blobUploadLimit = facts.blob_upload_limit,
        .availableUserDomains = services.handles.service_domains(),
        .links = lex::Links{.privacyPolicy = facts.privacy_policy_url,
                            .termsOfService = facts.terms_of_service_url},
        .contact = lex::Contact{.email = facts.contact_email},
        .did = facts.did,
    };
    std::string json;
    output.write(json);
    return json;
}

Task<Result<net::Response>> answer(const std::string& json) {
    net::Response response;
    response.content_type = xrpc::json_content_type;
    response.body = json;
    co_return response;
}

}  // namespace

// None of it changes while the server runs, so it is written once.
void server::add_describeServer(xrpc::Router& router, const Services& services) {
    router.add_raw<lex::Method>(
        {}, [json = description(services)](xrpc::Call&, lex::Params) { return answer(json); });
}

}  // namespace roost::api
