// Changing an account's password. Every session ends with the old one, in the same transaction.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "db/database.h"
#include "pds/account.h"
#include "pds/accounts/hash_pool.h"
#include "pds/audit/audit_log.h"
#include "pds/mail/mail_queue.h"

namespace roost::pds {

class Passwords {
  public:
    Passwords(db::Database& db, HashPool& hashes, mail::MailQueue& mail)
        : db_(db), hashes_(hashes), mail_(mail) {}

    // Mails a code if the address is an account's. The answer is the same if it is not,
    // and if too many were mailed.
    Task<Result<void>> request_reset(std::string email);
    // Errors: InvalidPassword, InvalidToken, ExpiredToken.
    Task<Result<void>> reset(std::string code, SecretText new_password);
    // By an administrator. Errors: InvalidPassword.
    Task<Result<Audited>> set(Account account, SecretText new_password, AdminAct act);

  private:
    db::Database& db_;
    HashPool& hashes_;
    mail::MailQueue& mail_;
};

}  // namespace roost::pds
