#include "lexicon/com/atproto/admin/updateSubjectStatus.h"
#include "api/admin_act.h"
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
Task<Result<pds::Audited>> update(const Services& services, const RecordSubject& subject,
                                  const std::optional<Ref>& takedown, pds::AdminAct act) {
    co_return co_await services.db.write(
        [account = subject.account, key = subject.key, takedown,
         act = std::move(act)](db::Transaction& t) -> Result<pds::Audited> {
            const pds::OwnedRepo repo = TRY(pds::repo_store::of_account(t, account));
            if (takedown) pds::record_store::set_takedown(t, repo.id, key, *takedown);
            return pds::audit_log::append(t, act);
        });
}

Task<Result<pds::Audited>> update(const Services& services, const BlobSubject& subject,
                                  const std::optional<Ref>& takedown, pds::AdminAct act) {
    co_return co_await services.db.write(
        [account_id = subject.account.id, cid = subject.cid, takedown,
         act = std::move(act)](db::Transaction& t) -> Result<pds::Audited> {
            if (takedown) pds::blob_store::set_takedown(t, account_id, cid, *takedown);
            return pds::audit_log::append(t, act);
        });
}

Task<Result<pds::Audited>> update(const Services& services, const pds::Account& account,
                                  const lex::Input& input, const std::optional<Ref>& takedown,
                                  const pds::AdminAct& act) {
    std::optional<pds::Audited> proof;
    if (takedown) proof = CO_TRY(co_await services.lifecycle.set_takedown(account, *takedown, act));
    if (input.deactivated && input.deactivated->applied)
        proof = CO_TRY(
            co_await services.lifecycle.deactivate(account, act.with("deactivation applied")));
    else if (input.deactivated)
        proof = CO_TRY(
            co_await services.lifecycle.activate(account, act.with("deactivation taken back")));
    if (!proof) proof = CO_TRY(co_await services.lifecycle.announce(account, act));
    co_return *proof;
}

std::string subject(const lex::Input& input) {
    return name_of_subject(input.subject);
}

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call& call, lex::Input input,
                                pds::AdminAct act) {
    const bool takes_down = input.takedown && input.takedown->applied;
    if (takes_down && input.deactivated && !input.deactivated->applied)
        co_return Error::invalid("Cannot activate and takedown an account at the same time");
    const Subject subject = CO_TRY(co_await find_subject(services, input.subject));
    std::optional<Ref> takedown;
    if (takes_down) {
        takedown = input.takedown->ref.value_or(to_iso8601(call.time));
        act = act.with("takedown " + **takedown);
    } else if (input.takedown) {
        takedown = Ref();
        act = act.with("takedown taken back");
    }
    lex::Output output{.subject = input.subject, .takedown = input.takedown};
    if (const auto* account = std::get_if<pds::Account>(&subject)) co_return Done<lex::Output> {
            CO_TRY(co_await update(services, *account, input, takedown, act))
            , std::move(output)
        };
    if (const auto* record = std::get_if<RecordSubject>(&subject)) co_return Done<lex::Output> {
            CO_TRY(co_await update(services, *record, takedown, act))
            , std::move(output)
        };
    co_return Done<lex::Output> {
        CO_TRY(co_await update(services, std::get<BlobSubject>(subject), takedown, act))
        , std::move(output)
    };
}

}  // namespace

void admin::add_updateSubjectStatus(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin_or_moderator, subject, answer);
}

}  // namespace roost::api
