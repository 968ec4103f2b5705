// A letter to the owner of an account: what it is about, whom it goes to, and the token it carries,
// or the words that an administrator wrote.
//
// A value. Words, layout and encoding come later (templates.h, message.h).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace roost::pds::mail {

enum class LetterKind {
    reset_password,
    confirm_email,
    update_email,
    delete_account,
    plc_operation,
    sign_in_code,
    from_moderators,  // in the words of an administrator; there is no template for it
};

inline constexpr std::array templated_letter_kinds = {
    LetterKind::reset_password, LetterKind::confirm_email, LetterKind::update_email,
    LetterKind::delete_account, LetterKind::plc_operation, LetterKind::sign_in_code,
};

// "reset_password": the name in the database, in file names and in logs.
std::string_view name_of(LetterKind kind);
std::optional<LetterKind> letter_kind_from(std::string_view name);

struct Words {
    std::string subject;
    std::string html;
};

struct Letter {
    LetterKind kind;
    std::string to;                             // an e-mail address (email_address.h)
    std::string handle;                         // of the account, without "@"
    SecretText token;                           // as the reader types it: "ABCDE-FGHIJ"
    std::optional<Words> words = std::nullopt;  // with from_moderators
};

}  // namespace roost::pds::mail
