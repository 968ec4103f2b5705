#include "lexicon/com/atproto/admin/updateSubjectStatus.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/lifecycle.h"
#include "pds/blobs/blob_store.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_store.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::updateSubjectStatus;

namespace {

using Ref = std::optional<std::string>;

// What is not there (any more) is no error: moderators speak of what they have seen.
Task<Result<void>> set_takedown(const Services& services, const RecordSubject& subject, Ref ref) {
    co_return co_await services.db.write(
        [account = subject.account, key = subject.key,
         ref = std::move(ref)](db::Transaction& t) -> Result<void> {
            const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, account));
            pds::record_store::set_takedown(t, repo.id, key, ref);
            return {};
        });
}

Task<Result<void>> set_takedown(const Services& services, const BlobSubject& subject, Ref ref) {
    co_return co_await services.db.write(
        [account_id = subject.account.id, cid = subject.cid,
         ref = std::move(ref)](db::Transaction& t) -> Result<void> {
            pds::blob_store::set_takedown(t, account_id, cid, ref);
            return {};
        });
}

Task<Result<void>> update(const Services& services, const pds::Account& account,
                          const lex::Input& input, std::optional<Ref> takedown) {
    if (takedown) CO_TRY(co_await services.lifecycle.set_takedown(account, *std::move(takedown)));
    if (input.deactivated) {
        if (input.deactivated->applied)
            CO_TRY(co_await services.lifecycle.deactivate(account, std::nullopt));
        else
            CO_TRY(co_await services.lifecycle.activate(account));
    }
    if (!input.takedown && !input.deactivated)
        CO_TRY(co_await services.lifecycle.announce(account));
    co_return Result<void>();
}

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    const bool takes_down = input.takedown && input.takedown->applied;
    if (takes_down && input.deactivated && !input.deactivated->applied)
        co_return Error::invalid("Cannot activate and takedown an account at the same time");
    const Subject subject = CO_TRY(co_await find_subject(services, input.subject));
    std::optional<Ref> takedown;
    if (takes_down)
        takedown = input.takedown->ref.value_or(to_iso8601(call.time));
    else if (input.takedown)
        takedown = Ref();
    if (const auto* account = std::get_if<pds::Account>(&subject)) {
        CO_TRY(co_await update(services, *account, input, std::move(takedown)));
    } else if (takedown) {
        if (const auto* record = std::get_if<RecordSubject>(&subject))
            CO_TRY(co_await set_takedown(services, *record, *std::move(takedown)));
        else
            CO_TRY(co_await set_takedown(services, std::get<BlobSubject>(subject),
                                         *std::move(takedown)));
    }
    co_return lex::Output{.subject = std::move(input.subject),
                          .takedown = std::move(input.takedown)};
}

}  // namespace

void admin::add_updateSubjectStatus(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin}, with_services(services, answer));
}

}  // namespace roost::api
