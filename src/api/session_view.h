// How an account is shown in the answers of getSession, createSession and refreshSession, which
// have these members in common.
#pragma once

#include "api/services.h"
#include "atproto/data/value.h"
#include "base/task.h"
#include "pds/account.h"

namespace roost::api {

// The document, if this server is configured to put it into sessions and it can be had.
Task<std::optional<atproto::Value>> did_document_for_session(const Services& services,
                                                             atproto::Did did);

// The account outlives the task.
template <class Output>
Task<Output> session_view(const Services& services, const pds::Account& account) {
    Output output{.handle = account.handle, .did = account.did};
    output.email = account.email;
    output.emailConfirmed = account.email_confirmed_at.has_value();
    output.emailAuthFactor = account.email_auth_factor;
    output.active = account.is_active();
    output.status = pds::status_text(account.status());
    if (services.facts.did_doc_in_session == DidDocInSession::yes)
        output.didDoc = co_await did_document_for_session(services, account.did);
    co_return output;
}

}  // namespace roost::api
