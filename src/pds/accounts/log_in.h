// Log-in: from an identifier and a password to a session.
//
// Unknown accounts and wrong passwords get one answer after one duration: where there is no hash to
// verify, the decoy is. An app password is found without hashing. Only the hash pool spends the
// CPU, so a flood of attempts slows nobody else; guessing at one account from everywhere is slowed
// by the guard.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/accounts/hash_pool.h"
#include "pds/accounts/log_in_guard.h"
#include "pds/accounts/sessions.h"
#include "pds/mail/mail_queue.h"

namespace roost::pds {

enum class TakendownLogIn { refused, narrow_scope };

struct LogInRequest {
    std::string identifier;  // handle, DID or e-mail address
    SecretText password;
    std::optional<std::string> auth_factor_token;
    TakendownLogIn takendown = TakendownLogIn::refused;
    std::string client;  // the network that the attempt comes from
};

class LogIn {
  public:
    struct Done {
        Account account;
        TokenPair tokens;
    };

    LogIn(db::Database& db, HashPool& hashes, const Sessions& sessions, mail::MailQueue& mail)
        : db_(db), hashes_(hashes), sessions_(sessions), mail_(mail) {}

    // Errors: AuthenticationRequired (whatever was wrong), AccountTakedown,
    // AuthFactorTokenRequired (a code has been mailed), InvalidToken, ExpiredToken (of that code),
    // RateLimitExceeded (too many guess at this account, or too many codes were mailed).
    Task<Result<Done>> log_in(LogInRequest request);

    // Whether this is the account's own password; no app password will do.
    Task<Result<bool>> is_account_password(Account account, SecretText password);

  private:
    struct Found;
    Task<Result<std::string>> guarded_name(const std::string& identifier);
    Task<Result<Done>> judge(const LogInRequest& request);
    Task<Result<Found>> find(const LogInRequest& request);
    Task<Result<void>> check_second_factor(const Account& account,
                                           const std::optional<std::string>& token);

    db::Database& db_;
    HashPool& hashes_;
    const Sessions& sessions_;
    mail::MailQueue& mail_;
    LogInGuard guard_;
};

}  // namespace roost::pds
