// Invite codes: who made them, for whom, how often they were and may be used.
//
// A code is used by a row of its own; a sign-up under way holds one use. All functions run inside
// the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "db/transaction.h"
#include "pds/account.h"

namespace roost::pds {
// Whether a sign-up needs a code.
enum class InvitePolicy { open, required };
}  // namespace roost::pds

namespace roost::pds::invites {

// The account name under which an administrator's codes stand.
inline constexpr std::string_view admin = "admin";

struct Use {
    std::string used_by;
    Timestamp used_at;
};

struct Code {
    std::string code;
    std::int64_t available = 0;  // how often it may be used in all
    bool is_disabled = false;
    std::string for_account;
    std::string created_by;
    Timestamp created_at;
    std::vector<Use> uses;  // newest first
};

enum class State { enabled, disabled };

// HOST-NAME-xxxxx-xxxxx, with dashes for dots so that mail programs make no link of it.
std::string new_code(std::string_view hostname);

void insert(db::Transaction& t, std::string_view code, std::int64_t uses,
            std::string_view for_account, std::string_view created_by, State state, Timestamp now);

// InvalidInviteCode unless the code exists, is enabled, its owner is not taken down, and a use is
// left beside those of finished sign-ups and of those under way.
Result<void> check_available(db::Transaction& t, std::string_view code);
// Once for each DID: who left and comes back with the same code uses it no second time.
void record_use(db::Transaction& t, std::string_view code, std::string_view used_by, Timestamp now);

std::vector<Code> of_account(db::Transaction& t, std::string_view for_account);
std::optional<Code> used_by(db::Transaction& t, std::string_view did);

// Codes that an account has earned by its age, one each interval since the epoch, at most
// limits::earned_invites_open_max unused at a time. Makes what is due.
struct Earning {
    std::int64_t interval_ms;
    std::int64_t epoch_ms;
};
void create_earned(db::Transaction& t, const Account& account, const Earning& earning,
                   std::string_view hostname, Timestamp now);

void disable_codes(db::Transaction& t, std::span<const std::string> codes);
void disable_of_accounts(db::Transaction& t, std::span<const std::string> accounts);

enum class Order { recent, usage };
struct Page {
    std::vector<Code> codes;
    std::optional<std::string> cursor;
};
Result<Page> list(db::Transaction& t, Order order, std::int64_t limit,
                  const std::optional<std::string>& cursor);

}  // namespace roost::pds::invites
