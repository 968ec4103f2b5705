#include "pds/accounts/app_passwords.h"

#include "atproto/data/cid.h"
#include "base/encoding.h"
#include "base/random.h"
#include "pds/accounts/session_store.h"
#include "pds/limits.h"

namespace roost::pds::app_passwords {

namespace {

constexpr std::size_t group_size = 4;
constexpr std::size_t text_size = 19;

Bytes hash_of(std::int64_t account_id, const SecretText& password) {
    const SecretText labelled("app_password:" + std::to_string(account_id) + ":" +
                              password.reveal());
    const atproto::Cid::Digest digest = atproto::sha256(as_bytes(labelled.reveal()));
    return {digest.begin(), digest.end()};
}

AppPassword read(const db::Rows& row) {
    return {std::string(row.text(0)),
            row.integer(1) != 0 ? Privilege::privileged : Privilege::standard, row.time(2)};
}

std::int64_t count(db::Transaction& t, std::int64_t account_id) {
    db::Rows row = t.select("SELECT count(*) FROM app_password WHERE account_id = $1", account_id);
    return row.next() ? row.integer(0) : 0;
}

}  // namespace

Result<Created> create(db::Transaction& t, std::int64_t account_id, std::string_view name,
                       Privilege privilege, Timestamp now) {
    if (name.empty() || name.size() > limits::app_password_name_bytes_max)
        return Error::invalid("An app password needs a name of 1 to 256 bytes");
    if (count(t, account_id) >= limits::app_passwords_per_account_max)
        return Error::invalid("Too many app passwords; revoke one that is no longer used");
    const std::string random = base32_encode(random_bytes(10));
    std::string text;
    for (std::size_t i = 0; i < random.size(); i += group_size) {
        if (i > 0) text += '-';
        text += random.substr(i, group_size);
    }
    SecretText password(std::move(text));
    const std::int64_t inserted = t.execute(
        "INSERT INTO app_password (account_id, name, hash, privileged, created_at) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        account_id, name, hash_of(account_id, password), privilege == Privilege::privileged, now);
    if (inserted == 0) return Error::invalid("There is an app password with this name already");
    return Created{{std::string(name), privilege, now}, std::move(password)};
}

std::vector<AppPassword> list(db::Transaction& t, std::int64_t account_id) {
    std::vector<AppPassword> found;
    db::Rows rows = t.select(
        "SELECT name, privileged, created_at FROM app_password WHERE account_id = $1 "
        "ORDER BY created_at DESC",
        account_id);
    while (rows.next())
        found.push_back(read(rows));
    return found;
}

void revoke(db::Transaction& t, std::int64_t account_id, std::string_view name) {
    session_store::erase_of_app_password(t, account_id, name);
    t.execute("DELETE FROM app_password WHERE account_id = $1 AND name = $2", account_id, name);
}

void revoke_all(db::Transaction& t, std::int64_t account_id) {
    t.execute("DELETE FROM app_password WHERE account_id = $1", account_id);
}

bool has_form(const SecretText& password) {
    const std::string& text = password.reveal();
    if (text.size() != text_size) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((text[i] == '-') != (i % (group_size + 1) == group_size)) return false;
    return true;
}

std::optional<AppPassword> find(db::Transaction& t, std::int64_t account_id,
                                const SecretText& password) {
    db::Rows row = t.select(
        "SELECT name, privileged, created_at FROM app_password "
        "WHERE account_id = $1 AND hash = $2",
        account_id, hash_of(account_id, password));
    if (!row.next()) return std::nullopt;
    return read(row);
}

}  // namespace roost::pds::app_passwords
