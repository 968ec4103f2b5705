// The names of refusals that lexicon documents declare, for the business rooms, which know no
// methods. A name is declared where it is written, so one that changes in a document stops the
// build here. Names that no document declares are plain text where they are used.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "lexicon/com/atproto/server/confirmEmail.h"
#include "lexicon/com/atproto/server/createAccount.h"
#include "lexicon/com/atproto/server/createAppPassword.h"
#include "lexicon/com/atproto/server/createSession.h"
#include "lexicon/com/atproto/server/deleteAccount.h"
#include "lexicon/com/atproto/server/deleteSession.h"
#include "lexicon/com/atproto/server/listAppPasswords.h"
#include "lexicon/com/atproto/server/refreshSession.h"
#include "lexicon/com/atproto/server/resetPassword.h"
#include "lexicon/com/atproto/server/updateEmail.h"

namespace roost::pds::error_names {

namespace server = lexicon::com::atproto::server;

// A name that several documents declare. They must all declare the same.
template <class... Names>
consteval lexicon::ErrorName same(lexicon::ErrorName first, Names... others) {
    if (!((first == others) && ...)) throw "the documents name this error differently";
    return first;
}

using server::createAccount::errors::HandleNotAvailable;
using server::createAccount::errors::InvalidHandle;
using server::createAccount::errors::InvalidInviteCode;
using server::createAccount::errors::InvalidPassword;
using server::createAccount::errors::UnresolvableDid;
using server::createAccount::errors::UnsupportedDomain;

using server::createSession::errors::AuthFactorTokenRequired;
inline constexpr lexicon::ErrorName AccountTakedown = same(
    server::createSession::errors::AccountTakedown, server::refreshSession::errors::AccountTakedown,
    server::createAppPassword::errors::AccountTakedown,
    server::listAppPasswords::errors::AccountTakedown);

using server::confirmEmail::errors::AccountNotFound;
using server::confirmEmail::errors::InvalidEmail;
using server::updateEmail::errors::TokenRequired;

// Of codes that were mailed, and of session tokens.
inline constexpr lexicon::ErrorName InvalidToken =
    same(server::confirmEmail::errors::InvalidToken, server::deleteAccount::errors::InvalidToken,
         server::deleteSession::errors::InvalidToken, server::refreshSession::errors::InvalidToken,
         server::resetPassword::errors::InvalidToken, server::updateEmail::errors::InvalidToken);
inline constexpr lexicon::ErrorName ExpiredToken =
    same(server::confirmEmail::errors::ExpiredToken, server::deleteAccount::errors::ExpiredToken,
         server::deleteSession::errors::ExpiredToken, server::refreshSession::errors::ExpiredToken,
         server::resetPassword::errors::ExpiredToken, server::updateEmail::errors::ExpiredToken);

}  // namespace roost::pds::error_names

namespace roost::pds {

// Fault::invalid by a declared name.
inline Error refusal(std::string message, lexicon::ErrorName name) {
    return Error::invalid(std::move(message), std::string(name.text()));
}

}  // namespace roost::pds
