#include "lexicon/com/atproto/admin/sendEmail.h"
#include "api/admin_act.h"
#include "api/endpoints.h"

#include "api/subject.h"
#include "pds/accounts/emails.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::sendEmail;

namespace {

std::string subject(const lex::Input& input) {
    return input.recipientDid.text();
}

AdminAnswer<lex::Method> answer(const Services& services, xrpc::Call&, lex::Input input,
                                pds::AdminAct act) {
    const pds::Account account = CO_TRY(co_await find_account(services, input.recipientDid.text()));
    const pds::Audited proof = CO_TRY(co_await services.emails.write_to_owner(
        account,
        {.subject = input.subject.value_or("Message via your PDS"),
         .html = std::move(input.content)},
        act.with("for " + input.senderDid.text())));
    co_return Done<lex::Method::Output>{proof, {.sent = true}};
}

}  // namespace

void admin::add_sendEmail(xrpc::Router& router, const Services& services) {
    add_admin_act<lex::Method>(router, services, xrpc::Needs::admin_or_moderator, subject, answer);
}

}  // namespace roost::api
