// The add_…() of every endpoint file, by namespace.
#pragma once

namespace roost::xrpc {
class Router;
}

namespace roost::api {

struct Services;

namespace server {  // com.atproto.server
void add_activateAccount(xrpc::Router& router, const Services& services);
void add_checkAccountStatus(xrpc::Router& router, const Services& services);
void add_confirmEmail(xrpc::Router& router, const Services& services);
void add_createAccount(xrpc::Router& router, const Services& services);
void add_createAppPassword(xrpc::Router& router, const Services& services);
void add_createInviteCode(xrpc::Router& router, const Services& services);
void add_createInviteCodes(xrpc::Router& router, const Services& services);
void add_createSession(xrpc::Router& router, const Services& services);
void add_deactivateAccount(xrpc::Router& router, const Services& services);
void add_deleteAccount(xrpc::Router& router, const Services& services);
void add_deleteSession(xrpc::Router& router, const Services& services);
void add_describeServer(xrpc::Router& router, const Services& services);
void add_getAccountInviteCodes(xrpc::Router& router, const Services& services);
void add_getServiceAuth(xrpc::Router& router, const Services& services);
void add_getSession(xrpc::Router& router, const Services& services);
void add_listAppPasswords(xrpc::Router& router, const Services& services);
void add_refreshSession(xrpc::Router& router, const Services& services);
void add_requestAccountDelete(xrpc::Router& router, const Services& services);
void add_requestEmailConfirmation(xrpc::Router& router, const Services& services);
void add_requestEmailUpdate(xrpc::Router& router, const Services& services);
void add_requestPasswordReset(xrpc::Router& router, const Services& services);
void add_reserveSigningKey(xrpc::Router& router, const Services& services);
void add_resetPassword(xrpc::Router& router, const Services& services);
void add_revokeAppPassword(xrpc::Router& router, const Services& services);
void add_updateEmail(xrpc::Router& router, const Services& services);
}  // namespace server

namespace identity {  // com.atproto.identity
void add_getRecommendedDidCredentials(xrpc::Router& router, const Services& services);
void add_refreshIdentity(xrpc::Router& router, const Services& services);
void add_requestPlcOperationSignature(xrpc::Router& router, const Services& services);
void add_resolveDid(xrpc::Router& router, const Services& services);
void add_resolveHandle(xrpc::Router& router, const Services& services);
void add_resolveIdentity(xrpc::Router& router, const Services& services);
void add_signPlcOperation(xrpc::Router& router, const Services& services);
void add_submitPlcOperation(xrpc::Router& router, const Services& services);
void add_updateHandle(xrpc::Router& router, const Services& services);
}  // namespace identity

namespace admin {  // com.atproto.admin
void add_deleteAccount(xrpc::Router& router, const Services& services);
void add_disableAccountInvites(xrpc::Router& router, const Services& services);
void add_disableInviteCodes(xrpc::Router& router, const Services& services);
void add_enableAccountInvites(xrpc::Router& router, const Services& services);
void add_getAccountInfo(xrpc::Router& router, const Services& services);
void add_getAccountInfos(xrpc::Router& router, const Services& services);
void add_getInviteCodes(xrpc::Router& router, const Services& services);
void add_getSubjectStatus(xrpc::Router& router, const Services& services);
void add_searchAccounts(xrpc::Router& router, const Services& services);
void add_sendEmail(xrpc::Router& router, const Services& services);
void add_updateAccountEmail(xrpc::Router& router, const Services& services);
void add_updateAccountHandle(xrpc::Router& router, const Services& services);
void add_updateAccountPassword(xrpc::Router& router, const Services& services);
void add_updateAccountSigningKey(xrpc::Router& router, const Services& services);
void add_updateSubjectStatus(xrpc::Router& router, const Services& services);
}  // namespace admin

namespace repo {  // com.atproto.repo
void add_applyWrites(xrpc::Router& router, const Services& services);
void add_createRecord(xrpc::Router& router, const Services& services);
void add_deleteRecord(xrpc::Router& router, const Services& services);
void add_describeRepo(xrpc::Router& router, const Services& services);
void add_getRecord(xrpc::Router& router, const Services& services);
void add_importRepo(xrpc::Router& router, const Services& services);
void add_listMissingBlobs(xrpc::Router& router, const Services& services);
void add_listRecords(xrpc::Router& router, const Services& services);
void add_putRecord(xrpc::Router& router, const Services& services);
void add_uploadBlob(xrpc::Router& router, const Services& services);
}  // namespace repo

namespace sync {  // com.atproto.sync
void add_getBlob(xrpc::Router& router, const Services& services);
void add_getBlocks(xrpc::Router& router, const Services& services);
void add_getCheckout(xrpc::Router& router, const Services& services);
void add_getHead(xrpc::Router& router, const Services& services);
void add_getHostStatus(xrpc::Router& router, const Services& services);
void add_getLatestCommit(xrpc::Router& router, const Services& services);
void add_getRecord(xrpc::Router& router, const Services& services);
void add_getRepo(xrpc::Router& router, const Services& services);
void add_getRepoStatus(xrpc::Router& router, const Services& services);
void add_listBlobs(xrpc::Router& router, const Services& services);
void add_listRepos(xrpc::Router& router, const Services& services);
void add_listReposByCollection(xrpc::Router& router, const Services& services);
void add_subscribeRepos(xrpc::Router& router, const Services& services);
}  // namespace sync

namespace moderation {  // com.atproto.moderation
void add_createReport(xrpc::Router& router, const Services& services);
}

// What an application keeps at its account's server, and what else this server has a part in.
namespace bsky {  // app.bsky.actor, app.bsky.feed, app.bsky.notification
void add_getActorLikes(xrpc::Router& router, const Services& services);
void add_getAuthorFeed(xrpc::Router& router, const Services& services);
void add_getFeed(xrpc::Router& router, const Services& services);
void add_getPostThread(xrpc::Router& router, const Services& services);
void add_getPreferences(xrpc::Router& router, const Services& services);
void add_getProfile(xrpc::Router& router, const Services& services);
void add_getProfiles(xrpc::Router& router, const Services& services);
void add_getTimeline(xrpc::Router& router, const Services& services);
void add_putPreferences(xrpc::Router& router, const Services& services);
void add_registerPush(xrpc::Router& router, const Services& services);
void add_unregisterPush(xrpc::Router& router, const Services& services);
}  // namespace bsky

namespace temp {  // com.atproto.temp
void add_checkHandleAvailability(xrpc::Router& router, const Services& services);
void add_checkSignupQueue(xrpc::Router& router, const Services& services);
}  // namespace temp

}  // namespace roost::api
