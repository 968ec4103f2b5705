#include "lexicon/com/atproto/admin/getSubjectStatus.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/blobs/blob_store.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::getSubjectStatus;

namespace {

using lexicon::com::atproto::admin::defs::StatusAttr;

Error not_found() {
    return Error::invalid("Subject not found", "NotFound");
}

StatusAttr takedown_view(const std::optional<std::string>& ref) {
    return {.applied = ref.has_value(), .ref = ref};
}

Task<Result<lex::Output>> status_of(const Services& services, BlobSubject subject) {
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        const auto blob = pds::blob_store::find(t, subject.account.id, subject.cid);
        if (!blob) return not_found();
        return lex::Output{
            .subject = atproto::Object{{"$type", "com.atproto.admin.defs#repoBlobRef"},
                                       {"did", subject.account.did.text()},
                                       {"cid", subject.cid.text()}},
            .takedown = takedown_view(blob->takedown_ref),
        };
    });
}

Task<Result<lex::Output>> status_of(const Services& services, RecordSubject subject) {
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<lex::Output> {
        const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, subject.account));
        const auto record = pds::record_store::find(t, repo.id, subject.key);
        if (!record) return not_found();
        return lex::Output{
            .subject = atproto::Object{{"$type", "com.atproto.repo.strongRef"},
                                       {"uri", subject.uri.text()},
                                       {"cid", record->cid.text()}},
            .takedown = takedown_view(record->takedown_ref),
        };
    });
}

lex::Output status_of(const pds::Account& account) {
    return {
        .subject = atproto::Object{{"$type", "com.atproto.admin.defs#repoRef"},
                                   {"did", account.did.text()}},
        .takedown = takedown_view(account.takedown_ref),
        .deactivated =
            StatusAttr{.applied = account.deactivated_at.has_value(), .ref = std::nullopt},
    };
}

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    if (params.blob) {
        if (!params.did) co_return Error::invalid("Must provide a did to request blob state");
        co_return co_await status_of(
            services,
            CO_TRY(co_await find_blob(services, params.did->text(), std::move(*params.blob))));
    }
    if (params.uri)
        co_return co_await status_of(services,
                                     CO_TRY(co_await find_record(services, params.uri->text())));
    if (!params.did) co_return Error::invalid("No provided subject");
    co_return status_of(CO_TRY(co_await find_account(services, params.did->text())));
}

}  // namespace

void admin::add_getSubjectStatus(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin_or_moderator},
                            with_services(services, answer));
}

}  // namespace roost::api
