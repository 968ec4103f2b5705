// The e-mail address of an account: confirming it, changing it, and the second factor that rests on
// it.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/audit/audit_log.h"
#include "pds/mail/mail_queue.h"

namespace roost::pds {

enum class TokenNeeded { no, yes };

class Emails {
  public:
    Emails(db::Database& db, mail::MailQueue& mail) : db_(db), mail_(mail) {}

    // All that mail a code refuse with RateLimitExceeded when too many were mailed.
    Task<Result<void>> request_confirmation(Account account);
    // Errors: AccountNotFound, InvalidEmail (not the account's), InvalidToken, ExpiredToken.
    Task<Result<void>> confirm(Account account, std::string email, std::string code);
    // A confirmed address is left only with a code that was sent to it.
    Task<Result<TokenNeeded>> request_update(Account account);

    struct Update {
        std::string email;
        std::optional<bool> auth_factor;  // switch the second factor on or off
        std::optional<std::string> code;
    };
    // Errors: InvalidRequest (not an address, taken), TokenRequired, InvalidToken, ExpiredToken.
    Task<Result<void>> update(Account account, Update update);

    // An administrator gives the account another address; it is not confirmed then, and is no
    // second factor. Errors: InvalidRequest (not an address, taken).
    Task<Result<Audited>> set(Account account, std::string email, AdminAct act);

    // An administrator's own words to the owner, in HTML. Errors: InvalidRequest (there is no
    // address); MailUnavailable.
    struct Words {
        std::string subject;
        std::string html;
    };
    Task<Result<Audited>> write_to_owner(Account account, Words words, AdminAct act);

    // Mails the code that deleteAccount asks for.
    Task<Result<void>> request_deletion(Account account);
    // Mails the code that signPlcOperation asks for.
    Task<Result<void>> request_plc_signature(Account account);

  private:
    db::Database& db_;
    mail::MailQueue& mail_;
};

}  // namespace roost::pds
