#include "api/routes.h"

#include "api/endpoints.h"

namespace roost::api {

void add_routes(xrpc::Router& router, const Services& services) {
    admin::add_deleteAccount(router, services);
    admin::add_disableAccountInvites(router, services);
    admin::add_disableInviteCodes(router, services);
    admin::add_enableAccountInvites(router, services);
    admin::add_getAccountInfo(router, services);
    admin::add_getAccountInfos(router, services);
    admin::add_getInviteCodes(router, services);
    admin::add_getSubjectStatus(router, services);
    admin::add_searchAccounts(router, services);
    admin::add_sendEmail(router, services);
    admin::add_updateAccountEmail(router, services);
    admin::add_updateAccountHandle(router, services);
    admin::add_updateAccountPassword(router, services);
    admin::add_updateAccountSigningKey(router, services);
    admin::add_updateSubjectStatus(router, services);

    bsky::add_getActorLikes(router, services);
    bsky::add_getAuthorFeed(router, services);
    bsky::add_getFeed(router, services);
    bsky::add_getPostThread(router, services);
    bsky::add_getPreferences(router, services);
    bsky::add_getProfile(router, services);
    bsky::add_getProfiles(router, services);
    bsky::add_getTimeline(router, services);
    bsky::add_putPreferences(router, services);
    bsky::add_registerPush(router, services);
    bsky::add_unregisterPush(router, services);

    identity::add_getRecommendedDidCredentials(router, services);
    identity::add_refreshIdentity(router, services);
    identity::add_requestPlcOperationSignature(router, services);
    identity::add_resolveDid(router, services);
    identity::add_resolveHandle(router, services);
    identity::add_resolveIdentity(router, services);
    identity::add_signPlcOperation(router, services);
    identity::add_submitPlcOperation(router, services);
    identity::add_updateHandle(router, services);

    server::add_activateAccount(router, services);
    server::add_checkAccountStatus(router, services);
    server::add_confirmEmail(router, services);
    server::add_createAccount(router, services);
    server::add_createAppPassword(router, services);
    server::add_createInviteCode(router, services);
    server::add_createInviteCodes(router, services);
    server::add_createSession(router, services);
    server::add_deactivateAccount(router, services);
    server::add_deleteAccount(router, services);
    server::add_deleteSession(router, services);
    server::add_describeServer(router, services);
    server::add_getAccountInviteCodes(router, services);
    server::add_getServiceAuth(router, services);
    server::add_getSession(router, services);
    server::add_listAppPasswords(router, services);
    server::add_refreshSession(router, services);
    server::add_requestAccountDelete(router, services);
    server::add_requestEmailConfirmation(router, services);
    server::add_requestEmailUpdate(router, services);
    server::add_requestPasswordReset(router, services);
    server::add_reserveSigningKey(router, services);
    server::add_resetPassword(router, services);
    server::add_revokeAppPassword(router, services);
    server::add_updateEmail(router, services);

    moderation::add_createReport(router, services);

    repo::add_applyWrites(router, services);
    repo::add_createRecord(router, services);
    repo::add_deleteRecord(router, services);
    repo::add_describeRepo(router, services);
    repo::add_getRecord(router, services);
    repo::add_importRepo(router, services);
    repo::add_listMissingBlobs(router, services);
    repo::add_listRecords(router, services);
    repo::add_putRecord(router, services);
    repo::add_uploadBlob(router, services);

    sync::add_getBlob(router, services);
    sync::add_getBlocks(router, services);
    sync::add_getCheckout(router, services);
    sync::add_getHead(router, services);
    sync::add_getHostStatus(router, services);
    sync::add_getLatestCommit(router, services);
    sync::add_getRecord(router, services);
    sync::add_getRepo(router, services);
    sync::add_getRepoStatus(router, services);
    sync::add_listBlobs(router, services);
    sync::add_listRepos(router, services);
    sync::add_listReposByCollection(router, services);
    sync::add_subscribeRepos(router, services);

    temp::add_checkHandleAvailability(router, services);
    temp::add_checkSignupQueue(router, services);
}

}  // namespace roost::api
