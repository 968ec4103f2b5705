#include "pds/accounts/invites.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/random.h"
#include "pds/error_names.h"
#include "pds/limits.h"

namespace roost::pds::invites {

namespace {

#define CODE_COLUMNS "code, available_uses, disabled, for_account, created_by, created_at"

Code read(const db::Rows& row) {
    return {
        .code = std::string(row.text(0)),
        .available = row.integer(1),
        .is_disabled = row.integer(2) != 0,
        .for_account = std::string(row.text(3)),
        .created_by = std::string(row.text(4)),
        .created_at = row.time(5),
        .uses = {},
    };
}

void load_uses(db::Transaction& t, Code& code) {
    db::Rows rows = t.select(
        "SELECT used_by, used_at FROM invite_code_use WHERE code = $1 ORDER BY used_at DESC",
        code.code);
    while (rows.next())
        code.uses.push_back({std::string(rows.text(0)), rows.time(1)});
}

std::vector<Code> read_all(db::Transaction& t, db::Rows rows) {
    std::vector<Code> codes;
    while (rows.next())
        codes.push_back(read(rows));
    for (Code& code : codes)
        load_uses(t, code);
    return codes;
}

// A cursor is NUMBER::CODE, the sort key of the last row.
struct Cursor {
    std::int64_t number;
    std::string code;
};

Result<Cursor> parse_cursor(std::string_view text) {
    const std::size_t colons = text.find("::");
    std::int64_t number = 0;
    if (colons != std::string_view::npos) {
        const char* end = text.data() + colons;
        const auto [rest, problem] = std::from_chars(text.data(), end, number);
        if (problem == std::errc() && rest == end)
            return Cursor{number, std::string(text.substr(colons + 2))};
    }
    return Error::invalid("Malformed cursor");
}

}  // namespace

std::string new_code(std::string_view hostname) {
    std::string code(hostname);
    std::ranges::replace(code, '.', '-');
    const std::string random = base32_encode(random_bytes(7)).substr(0, 10);
    return code + "-" + random.substr(0, 5) + "-" + random.substr(5);
}

void insert(db::Transaction& t, std::string_view code, std::int64_t uses,
            std::string_view for_account, std::string_view created_by, State state, Timestamp now) {
    t.execute(
        "INSERT INTO invite_code (code, available_uses, disabled, for_account, created_by, "
        "created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        code, uses, state == State::disabled, for_account, created_by, now);
}

Result<void> check_available(db::Transaction& t, std::string_view code) {
    db::Rows row = t.select(
        "SELECT available_uses "
        "- (SELECT count(*) FROM invite_code_use WHERE code = $1) "
        "- (SELECT count(*) FROM pending_signup WHERE invite_code = $1) "
        "FROM invite_code LEFT JOIN account ON account.did = invite_code.for_account "
        "WHERE code = $1 AND disabled = 0 AND takedown_ref IS NULL",
        code);
    if (!row.next() || row.integer(0) <= 0)
        return refusal("Provided invite code not available", error_names::InvalidInviteCode);
    return {};
}

void record_use(db::Transaction& t, std::string_view code, std::string_view used_by,
                Timestamp now) {
    t.execute(
        "INSERT INTO invite_code_use (code, used_by, used_at) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING",
        code, used_by, now);
}

std::vector<Code> of_account(db::Transaction& t, std::string_view for_account) {
    return read_all(t, t.select("SELECT " CODE_COLUMNS
                                " FROM invite_code WHERE for_account = $1 ORDER BY created_at",
                                for_account));
}

std::optional<Code> used_by(db::Transaction& t, std::string_view did) {
    std::vector<Code> codes =
        read_all(t, t.select("SELECT " CODE_COLUMNS " FROM invite_code WHERE code IN "
                             "(SELECT code FROM invite_code_use WHERE used_by = $1) LIMIT 1",
                             did));
    if (codes.empty()) return std::nullopt;
    return std::move(codes.front());
}

void create_earned(db::Transaction& t, const Account& account, const Earning& earning,
                   std::string_view hostname, Timestamp now) {
    if (earning.interval_ms <= 0) return;
    const std::int64_t born_ms = account.created_at.us / 1'000;
    const std::int64_t age_ms = now.us / 1'000 - born_ms;
    std::int64_t earned = age_ms / earning.interval_ms;
    if (born_ms < earning.epoch_ms) earned -= (earning.epoch_ms - born_ms) / earning.interval_ms;

    std::int64_t open = 0;
    std::int64_t made = 0;
    for (const Code& code : of_account(t, account.did.text())) {
        if (code.created_by == admin) continue;
        if (!code.is_disabled && code.available > static_cast<std::int64_t>(code.uses.size()))
            ++open;
        if (code.created_at.us / 1'000 > earning.epoch_ms) ++made;
    }
    const std::int64_t due = std::min(limits::earned_invites_open_max - open, earned - made);
    for (std::int64_t i = 0; i < due; ++i)
        insert(t, new_code(hostname), 1, account.did.text(), account.did.text(),
               account.invites_disabled ? State::disabled : State::enabled, now);
}

void disable_codes(db::Transaction& t, std::span<const std::string> codes) {
    for (const std::string& code : codes)
        t.execute("UPDATE invite_code SET disabled = 1 WHERE code = $1", code);
}

void disable_of_accounts(db::Transaction& t, std::span<const std::string> accounts) {
    for (const std::string& account : accounts)
        t.execute("UPDATE invite_code SET disabled = 1 WHERE for_account = $1", account);
}

Result<Page> list(db::Transaction& t, Order order, std::int64_t limit,
                  const std::optional<std::string>& cursor_text) {
    // Before the first page stands a key above every other.
    Cursor cursor{INT64_MAX, ""};
    if (cursor_text) cursor = TRY(parse_cursor(*cursor_text));
    Page page;
    if (order == Order::recent)
        page.codes = read_all(t, t.select("SELECT " CODE_COLUMNS
                                          " FROM invite_code WHERE (created_at, code) < ($1, $2) "
                                          "ORDER BY created_at DESC, code DESC LIMIT $3",
                                          cursor.number, cursor.code, limit));
    else
        page.codes = read_all(
            t, t.select("SELECT " CODE_COLUMNS
                        " FROM (SELECT *, (SELECT count(*) FROM invite_code_use AS u "
                        "WHERE u.code = invite_code.code) AS uses FROM invite_code) "
                        "WHERE (uses, code) < ($1, $2) ORDER BY uses DESC, code DESC LIMIT $3",
                        cursor.number, cursor.code, limit));
    if (static_cast<std::int64_t>(page.codes.size()) == limit && !page.codes.empty()) {
        const Code& last = page.codes.back();
        const std::int64_t number = order == Order::recent
                                        ? last.created_at.us
                                        : static_cast<std::int64_t>(last.uses.size());
        page.cursor = std::to_string(number) + "::" + last.code;
    }
    return page;
}

}  // namespace roost::pds::invites
