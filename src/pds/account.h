// An account as the rest of the server sees it: who it is and whether it may act.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "atproto/syntax/syntax.h"
#include "base/clock.h"

namespace roost::pds {

enum class AccountStatus { active, deactivated, takendown };

struct Account {
    std::int64_t id;
    atproto::Did did;
    atproto::Handle handle;
    std::optional<std::string> email;  // normalised
    std::optional<Timestamp> email_confirmed_at;
    bool email_auth_factor = false;
    Timestamp created_at;
    std::optional<Timestamp> deactivated_at;
    std::optional<Timestamp> delete_after;
    std::optional<std::string> takedown_ref;
    bool invites_disabled = false;

    // A takedown outranks a deactivation.
    AccountStatus status() const {
        if (takedown_ref) return AccountStatus::takendown;
        return deactivated_at ? AccountStatus::deactivated : AccountStatus::active;
    }
    bool is_active() const { return status() == AccountStatus::active; }
};

// The word on the wire; nothing for active.
// https://atproto.com/specs/account#hosting-status
inline std::optional<std::string> status_text(AccountStatus status) {
    switch (status) {
        case AccountStatus::active:
            return std::nullopt;
        case AccountStatus::deactivated:
            return "deactivated";
        case AccountStatus::takendown:
            return "takendown";
    }
    return std::nullopt;
}

}  // namespace roost::pds
