#include "pds/accounts/log_in.h"

#include <algorithm>
#include <cctype>

#include "pds/accounts/account_store.h"
#include "pds/accounts/app_passwords.h"
#include "pds/accounts/email_tokens.h"
#include "pds/error_names.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

Error wrong_credentials() {
    return Error::unauthenticated("Invalid identifier or password");
}
Error taken_down() {
    return Error::unauthenticated("Account has been taken down",
                                  std::string(error_names::AccountTakedown.text()));
}

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

std::optional<Account> find_account(db::Transaction& t, std::string_view identifier) {
    if (identifier.find('@') != std::string_view::npos)
        return account_store::find_by_email(t, identifier);
    return account_store::find_by_did_or_handle(t, identifier);
}

}  // namespace

// What the tables know of an attempt.
struct LogIn::Found {
    std::optional<Account> account;
    std::string password_hash;  // the decoy's if there is none
    std::optional<app_passwords::AppPassword> app_password;
};

Task<Result<LogIn::Found>> LogIn::find(const LogInRequest& request) {
    co_return co_await db_.read([&](db::Transaction& t) -> Result<Found> {
        Found found;
        found.account = find_account(t, request.identifier);
        if (found.account) {
            found.password_hash = account_store::password_hash(t, found.account->id).value_or("");
            // Not a way around a takedown.
            if (!found.account->takedown_ref && app_passwords::has_form(request.password))
                found.app_password = app_passwords::find(t, found.account->id, request.password);
        }
        if (found.password_hash.empty()) found.password_hash = decoy_hash();
        return found;
    });
}

Task<Result<LogIn::Done>> LogIn::log_in(LogInRequest request) {
    if (request.password.reveal().size() > limits::old_password_bytes_max)
        co_return Error::unauthenticated("Password too long. Consider resetting your password.");
    request.identifier = lower_case(std::move(request.identifier));
    const std::string name = CO_TRY(co_await guarded_name(request.identifier));
    co_await sleep_ms(CO_TRY(guard_.enter(name, request.client, now())));
    Result<Done> done = co_await judge(request);
    const bool is_wrong = !done.has_value() && done.error() == wrong_credentials();
    guard_.settle(name, request.client,
                  is_wrong ? LogInGuard::Outcome::failed : LogInGuard::Outcome::open, now());
    if (done.has_value()) {
        guard_.remember(done->account.did.text(), request.client, now());
        if (done->account.email) guard_.remember(*done->account.email, request.client, now());
    }
    co_return done;
}

// Handle and DID, which everybody knows to belong together, are one name to guess at. An e-mail
// address is one of its own: if guessing by it slowed down log-ins by handle, anybody could find
// out whose address it is.
Task<Result<std::string>> LogIn::guarded_name(const std::string& identifier) {
    if (identifier.find('@') != std::string::npos) co_return identifier;
    co_return co_await db_.read([&](db::Transaction& t) -> Result<std::string> {
        const std::optional<Account> account = account_store::find_by_did_or_handle(t, identifier);
        return account ? account->did.text() : identifier;
    });
}

Task<Result<LogIn::Done>> LogIn::judge(const LogInRequest& request) {
    const Found found = CO_TRY(co_await find(request));
    Scope scope = Scope::access;
    std::optional<std::string> app_password;
    std::optional<std::string> better_hash;
    if (found.app_password) {
        app_password = found.app_password->name;
        scope = found.app_password->privilege == app_passwords::Privilege::privileged
                    ? Scope::app_pass_privileged
                    : Scope::app_pass;
    } else {
        const PasswordMatch match =
            CO_TRY(co_await hashes_.verify(request.password, found.password_hash));
        if (!found.account || match == PasswordMatch::no) co_return wrong_credentials();
        if (match == PasswordMatch::yes_but_rehash)
            better_hash = CO_TRY(co_await hashes_.hash(request.password));
        if (found.account->takedown_ref) {
            if (request.takendown == TakendownLogIn::refused) co_return taken_down();
            scope = Scope::takendown;
        }
        if (found.account->email_auth_factor && found.account->email)
            CO_TRY(co_await check_second_factor(*found.account, request.auth_factor_token));
    }
    const Timestamp time = now();
    co_return co_await db_.write([this, found, password = request.password, scope, app_password,
                                  better_hash, time](db::Transaction& t) -> Result<Done> {
        // What was verified must still be so: a reset or a revocation may have come between.
        const std::int64_t id = found.account->id;
        std::optional<Account> account = account_store::find_by_id(t, id);
        if (!account) return wrong_credentials();
        if (account->takedown_ref && scope != Scope::takendown) return taken_down();
        if (app_password) {
            if (!app_passwords::find(t, id, password)) return wrong_credentials();
        } else if (account_store::password_hash(t, id) != found.password_hash) {
            return wrong_credentials();
        }
        if (better_hash) account_store::set_password_hash(t, id, *better_hash);
        TokenPair tokens = sessions_.open(t, *account, scope, app_password, time);
        return Done{*std::move(account), std::move(tokens)};
    });
}

Task<Result<void>> LogIn::check_second_factor(const Account& account,
                                              const std::optional<std::string>& token) {
    using email_tokens::Purpose;
    const std::int64_t id = account.id;
    const Timestamp time = now();
    if (token) {
        const auto verdict = CO_TRY(co_await db_.write(
            [id, code = *token, time](db::Transaction& t) -> Result<email_tokens::Verdict> {
                return email_tokens::redeem(t, id, Purpose::sign_in, code, time);
            }));
        co_return email_tokens::to_result(verdict);
    }
    CO_TRY(mail_.check_available(mail::LetterKind::sign_in_code));
    CO_TRY(co_await db_.write([this, account, time](db::Transaction& t) -> Result<void> {
        SecretText code = TRY(email_tokens::create(t, account.id, Purpose::sign_in, time));
        mail_.enqueue(t,
                      {.kind = mail::LetterKind::sign_in_code,
                       .to = *account.email,
                       .handle = account.handle.text(),
                       .token = std::move(code)},
                      time);
        return {};
    }));
    mail_.wake();
    co_return Error::unauthenticated("A sign in code has been sent to your email address",
                                     std::string(error_names::AuthFactorTokenRequired.text()));
}

Task<Result<bool>> LogIn::is_account_password(Account account, SecretText password) {
    if (password.reveal().size() > limits::old_password_bytes_max) co_return false;
    std::string hash = CO_TRY(co_await db_.read([&](db::Transaction& t) -> Result<std::string> {
        return account_store::password_hash(t, account.id).value_or("");
    }));
    if (hash.empty()) hash = decoy_hash();
    const PasswordMatch match =
        CO_TRY(co_await hashes_.verify(std::move(password), std::move(hash)));
    co_return match != PasswordMatch::no;
}

}  // namespace roost::pds
