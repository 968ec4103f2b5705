#include "pds/accounts/emails.h"

#include "pds/accounts/account_store.h"
#include "pds/accounts/email_tokens.h"
#include "pds/error_names.h"
#include "pds/mail/email_address.h"

namespace roost::pds {

namespace {

using email_tokens::Purpose;
using email_tokens::Verdict;

// Makes a code and its letter in one transaction, and wakes the mail worker.
Task<Result<void>> mail_code(db::Database& db, mail::MailQueue& mail, Account account,
                             Purpose purpose, mail::LetterKind kind) {
    CO_TRY(mail.check_available(kind));
    if (!account.email) co_return Error::invalid("account does not have an email address");
    const Timestamp time = now();
    CO_TRY(co_await db.write(
        [&mail, account, purpose, kind, time](db::Transaction& t) -> Result<void> {
            SecretText token = TRY(email_tokens::create(t, account.id, purpose, time));
            mail.enqueue(t,
                         {.kind = kind,
                          .to = *account.email,
                          .handle = account.handle.text(),
                          .token = std::move(token)},
                         time);
            return {};
        }));
    mail.wake();
    co_return Result<void>();
}

Error not_supported() {
    return Error::invalid("This email address is not supported, please use a different email.");
}

// Nobody else has the address.
Result<void> check_free(db::Transaction& t, std::int64_t id, const std::string& email) {
    const std::optional<Account> owner = account_store::find_by_email(t, email);
    if (owner && owner->id != id)
        return Error::invalid(
            "This email address is already in use, please use a different email.");
    return {};
}

// Runs inside a transaction that commits whatever the verdict, so that wrong tries count.
Verdict update_email(db::Transaction& t, const Account& account, const Emails::Update& update,
                     const std::string& email, Timestamp time) {
    if (account.email_confirmed_at) {
        const Verdict verdict =
            email_tokens::redeem(t, account.id, Purpose::update_email, *update.code, time);
        if (verdict != Verdict::valid) return verdict;
    }
    if (email != account.email) {
        account_store::set_email(t, account.id, email);
        // Codes that were sent to the old address prove nothing of the new one.
        email_tokens::forget_all(t, account.id);
    }
    if (update.auth_factor)
        account_store::set_email_auth_factor(t, account.id, *update.auth_factor);
    return Verdict::valid;
}

}  // namespace

Task<Result<void>> Emails::request_confirmation(Account account) {
    return mail_code(db_, mail_, std::move(account), Purpose::confirm_email,
                     mail::LetterKind::confirm_email);
}

Task<Result<void>> Emails::request_deletion(Account account) {
    return mail_code(db_, mail_, std::move(account), Purpose::delete_account,
                     mail::LetterKind::delete_account);
}

Task<Result<void>> Emails::request_plc_signature(Account account) {
    return mail_code(db_, mail_, std::move(account), Purpose::plc_operation,
                     mail::LetterKind::plc_operation);
}

Task<Result<void>> Emails::confirm(Account account, std::string email, std::string code) {
    if (account.email != mail::normalize_email(email))
        co_return refusal("invalid email", error_names::InvalidEmail);
    const Timestamp time = now();
    const Verdict verdict = CO_TRY(
        co_await db_.write([id = account.id, code, time](db::Transaction& t) -> Result<Verdict> {
            const Verdict found = email_tokens::redeem(t, id, Purpose::confirm_email, code, time);
            if (found == Verdict::valid) account_store::set_email_confirmed(t, id, time);
            return found;
        }));
    co_return email_tokens::to_result(verdict);
}

Task<Result<TokenNeeded>> Emails::request_update(Account account) {
    if (!account.email) co_return Error::invalid("account does not have an email address");
    if (!account.email_confirmed_at) co_return TokenNeeded::no;
    CO_TRY(co_await mail_code(db_, mail_, std::move(account), Purpose::update_email,
                              mail::LetterKind::update_email));
    co_return TokenNeeded::yes;
}

Task<Result<Audited>> Emails::set(Account account, std::string text, AdminAct act) {
    if (!mail::is_email_address(text)) co_return not_supported();
    co_return co_await db_.write([id = account.id, email = mail::normalize_email(text),
                                  act](db::Transaction& t) -> Result<Audited> {
        TRY(check_free(t, id, email));
        account_store::set_email(t, id, email);
        email_tokens::forget_all(t, id);
        return audit_log::append(t, act);
    });
}

Task<Result<Audited>> Emails::write_to_owner(Account account, Words words, AdminAct act) {
    if (!account.email) co_return Error::invalid("account does not have an email address");
    CO_TRY(mail_.check_available(mail::LetterKind::from_moderators));
    const Audited proof = CO_TRY(co_await db_.write(
        [&mail = mail_, account, words, act](db::Transaction& t) -> Result<Audited> {
            mail.enqueue(t,
                         {.kind = mail::LetterKind::from_moderators,
                          .to = *account.email,
                          .handle = account.handle.text(),
                          .token = {},
                          .words = mail::Words{words.subject, words.html}},
                         act.time);
            return audit_log::append(t, act);
        }));
    mail_.wake();
    co_return proof;
}

Task<Result<void>> Emails::update(Account account, Update update) {
    if (!mail::is_email_address(update.email)) co_return not_supported();
    const std::string email = mail::normalize_email(update.email);
    const Timestamp time = now();
    const Verdict verdict = CO_TRY(co_await db_.write(
        [id = account.id, update, email, time](db::Transaction& t) -> Result<Verdict> {
            const std::optional<Account> current = account_store::find_by_id(t, id);
            if (!current) return refusal("account not found", error_names::AccountNotFound);
            if (current->email_confirmed_at && !update.code)
                return refusal("confirmation token required", error_names::TokenRequired);
            const bool stays_confirmed = email == current->email && current->email_confirmed_at;
            if (update.auth_factor == true && !stays_confirmed)
                return Error::invalid(
                    "Confirm this address before it can be the second factor of a log-in");
            TRY(check_free(t, id, email));
            return update_email(t, *current, update, email, time);
        }));
    co_return email_tokens::to_result(verdict);
}

}  // namespace roost::pds
