#include "pds/mail/letter.h"

#include "base/check.h"

namespace roost::pds::mail {

std::string_view name_of(LetterKind kind) {
    switch (kind) {
        case LetterKind::reset_password:
            return "reset_password";
        case LetterKind::confirm_email:
            return "confirm_email";
        case LetterKind::update_email:
            return "update_email";
        case LetterKind::delete_account:
            return "delete_account";
        case LetterKind::plc_operation:
            return "plc_operation";
        case LetterKind::sign_in_code:
            return "sign_in_code";
        case LetterKind::from_moderators:
            return "from_moderators";
    }
    check_failed("a letter has a known kind", std::source_location::current());
}

std::optional<LetterKind> letter_kind_from(std::string_view name) {
    for (const LetterKind kind : templated_letter_kinds)
        if (name_of(kind) == name) return kind;
    if (name == name_of(LetterKind::from_moderators)) return LetterKind::from_moderators;
    return std::nullopt;
}

}  // namespace roost::pds::mail
