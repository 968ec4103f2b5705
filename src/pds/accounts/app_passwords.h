// App passwords: log-ins that an owner hands to an app and can take back.
//
// xxxx-xxxx-xxxx-xxxx in base32: 80 random bits that the server chose, so a fast hash bound to the
// account is enough to keep them. Revoking one ends its sessions in the same transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "db/transaction.h"

namespace roost::pds::app_passwords {

enum class Privilege { standard, privileged };

struct AppPassword {
    std::string name;
    Privilege privilege;
    Timestamp created_at;
};

struct Created {
    AppPassword app_password;
    SecretText password;
};

// Errors: the name is taken, empty or too long; too many.
Result<Created> create(db::Transaction& t, std::int64_t account_id, std::string_view name,
                       Privilege privilege, Timestamp now);
std::vector<AppPassword> list(db::Transaction& t, std::int64_t account_id);  // newest first
void revoke(db::Transaction& t, std::int64_t account_id, std::string_view name);
void revoke_all(db::Transaction& t, std::int64_t account_id);

// Whether a text has the form of an app password; the account's own password may have it too.
bool has_form(const SecretText& password);
std::optional<AppPassword> find(db::Transaction& t, std::int64_t account_id,
                                const SecretText& password);

}  // namespace roost::pds::app_passwords
