#include "pds/accounts/passwords.h"

#include "pds/accounts/account_store.h"
#include "pds/accounts/email_tokens.h"
#include "pds/accounts/password_policy.h"
#include "pds/accounts/sessions.h"
#include "pds/error_names.h"
#include "pds/mail/email_address.h"

namespace roost::pds {

using email_tokens::Purpose;

namespace {

// With the old password its sessions end, and the code that was mailed for another.
void replace(db::Transaction& t, std::int64_t id, std::string_view hash) {
    account_store::set_password_hash(t, id, hash);
    email_tokens::forget(t, id, Purpose::reset_password);
    Sessions::close_all(t, id);
}

}  // namespace

Task<Result<void>> Passwords::request_reset(std::string email) {
    CO_TRY(mail_.check_available(mail::LetterKind::reset_password));
    const Timestamp time = now();
    std::string address = mail::normalize_email(email);
    // A write in either case, so that the time it takes does not tell them apart.
    CO_TRY(co_await db_.write([this, address, time](db::Transaction& t) -> Result<void> {
        const std::optional<Account> account = account_store::find_by_email(t, address);
        if (!account) return {};
        Result<SecretText> token =
            email_tokens::create(t, account->id, Purpose::reset_password, time);
        if (!token.has_value()) return {};  // too many: that would tell, too
        mail_.enqueue(t,
                      {.kind = mail::LetterKind::reset_password,
                       .to = address,
                       .handle = account->handle.text(),
                       .token = *std::move(token)},
                      time);
        return {};
    }));
    mail_.wake();
    co_return Result<void>();
}

Task<Result<void>> Passwords::reset(std::string code, SecretText new_password) {
    CO_TRY(check_new_password(new_password));
    // Looked at before the costly hash, and once more when it is used.
    const auto check_code = [code](db::Transaction& t) -> Result<std::int64_t> {
        const email_tokens::Owner owner =
            email_tokens::find_owner(t, Purpose::reset_password, code, now());
        TRY(email_tokens::to_result(owner.verdict));
        return owner.account_id;
    };
    CO_TRY(co_await db_.read(check_code));
    const std::string hash = CO_TRY(co_await hashes_.hash(std::move(new_password)));
    co_return co_await db_.write([check_code, hash](db::Transaction& t) -> Result<void> {
        const std::int64_t id = TRY(check_code(t));
        replace(t, id, hash);
        return {};
    });
}

Task<Result<Audited>> Passwords::set(Account account, SecretText new_password, AdminAct act) {
    CO_TRY(check_new_password(new_password));
    const std::string hash = CO_TRY(co_await hashes_.hash(std::move(new_password)));
    co_return co_await db_.write(
        [id = account.id, hash, act](db::Transaction& t) -> Result<Audited> {
            if (!account_store::find_by_id(t, id))
                return refusal("account not found", error_names::AccountNotFound);
            replace(t, id, hash);
            return audit_log::append(t, act);
        });
}

}  // namespace roost::pds
