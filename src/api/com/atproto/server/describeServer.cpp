#include "lexicon/com/atproto/server/describeServer.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "pds/accounts/handle_policy.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::server::describeServer;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Method::Params) {
    const ServerFacts& facts = services.facts;
    lex::Output output{
        .inviteCodeRequired = facts.invites == pds::InvitePolicy::required,
        .phoneVerificationRequired = std::nullopt,
        .blobUploadLimit = facts.blob_upload_limit,
        .availableUserDomains = services.handles.service_domains(),
        .links = lex::Links{.privacyPolicy = facts.privacy_policy_url,
                            .termsOfService = facts.terms_of_service_url},
        .contact = lex::Contact{.email = facts.contact_email},
        .did = facts.did,
    };
    co_return output;
}

}  // namespace

void server::add_describeServer(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({}, with_services(services, answer));
}

}  // namespace roost::api
