// The codes that are mailed to prove that an address is read by its owner.
//
// XXXXX-XXXXX in base32: 50 random bits, stored as a hash, bound to account and purpose, good for
// limits::email_token_s, once, and only until limits::email_token_wrong_tries_max wrong ones were
// tried. Asking again replaces the code. How often one may ask is bounded for each account and
// purpose, always: a mail domain whose letters nobody wanted is soon believed by nobody.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "db/transaction.h"

namespace roost::pds::email_tokens {

enum class Purpose {
    confirm_email,
    update_email,
    reset_password,
    delete_account,
    sign_in,
    plc_operation,
};

// Errors: RateLimitExceeded.
Result<SecretText> create(db::Transaction& t, std::int64_t account_id, Purpose purpose,
                          Timestamp now);

// What a presented code turned out to be. A wrong one is counted, so the transaction must commit
// even then: hence a value and not an error.
enum class Verdict { valid, invalid, expired };
// A valid code is used up.
Verdict redeem(db::Transaction& t, std::int64_t account_id, Purpose purpose,
               std::string_view presented, Timestamp now);

// For reset_password, where the code alone says whose it is. Not used up: forget() does that.
struct Owner {
    Verdict verdict;
    std::int64_t account_id = 0;
};
Owner find_owner(db::Transaction& t, Purpose purpose, std::string_view presented, Timestamp now);

void forget(db::Transaction& t, std::int64_t account_id, Purpose purpose);
void forget_all(db::Transaction& t, std::int64_t account_id);

// InvalidToken or ExpiredToken; nothing for valid.
Result<void> to_result(Verdict verdict);

}  // namespace roost::pds::email_tokens
