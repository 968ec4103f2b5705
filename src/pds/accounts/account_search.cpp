#include "pds/accounts/account_search.h"

#include <charconv>

#include "pds/accounts/account_row.h"
#include "pds/limits.h"
#include "pds/mail/email_address.h"

namespace roost::pds::account_search {

namespace {

// A cursor is a letter for the part of the search, a colon, and the key of the last row of it.
constexpr std::string_view all = "n:";         // by number
constexpr std::string_view beginning = "b:";   // by address
constexpr std::string_view containing = "c:";  // by address

Error malformed() {
    return Error::invalid("Malformed cursor");
}

std::vector<Account> read_all(db::Rows rows) {
    std::vector<Account> accounts;
    while (rows.next())
        accounts.push_back(read_account(rows));
    return accounts;
}

Result<Page> list_all(db::Transaction& t, const std::optional<std::string>& cursor,
                      std::int64_t limit) {
    std::int64_t after = 0;
    if (cursor) {
        if (!cursor->starts_with(all)) return malformed();
        const char* end = cursor->data() + cursor->size();
        const auto [rest, problem] = std::from_chars(cursor->data() + all.size(), end, after);
        if (problem != std::errc() || rest != end) return malformed();
    }
    Page page{.accounts = read_all(t.select("SELECT " ROOST_ACCOUNT_COLUMNS
                                            " FROM account WHERE id > $1 ORDER BY id LIMIT $2",
                                            after, limit)),
              .cursor = {}};
    if (static_cast<std::int64_t>(page.accounts.size()) == limit)
        page.cursor = std::string(all) + std::to_string(page.accounts.back().id);
    return page;
}

// Greater than every address that begins with the text.
std::string behind(const std::string& text) {
    return text + "\xff";
}

Page list_beginning(db::Transaction& t, const std::string& text, const std::string& after,
                    std::int64_t limit) {
    // The first key may be the text itself.
    Page page{.accounts = read_all(t.select("SELECT " ROOST_ACCOUNT_COLUMNS
                                            " FROM account WHERE email >= $1 AND email < $2 "
                                            "AND email > $3 ORDER BY email LIMIT $4",
                                            text, behind(text), after, limit)),
              .cursor = {}};
    page.cursor = static_cast<std::int64_t>(page.accounts.size()) == limit
                      ? std::string(beginning) + *page.accounts.back().email
                      : std::string(containing);
    return page;
}

Page list_containing(db::Transaction& t, const std::string& text, const std::string& after,
                     std::int64_t limit) {
    Page page;
    std::string last = after;
    std::int64_t looked_at = 0;
    bool is_full = false;
    std::vector<std::int64_t> found;
    {
        db::Rows rows =
            t.select("SELECT id, email FROM account WHERE email > $1 ORDER BY email LIMIT $2",
                     after, limits::addresses_searched_max);
        while (!is_full && rows.next()) {
            ++looked_at;
            last = rows.text(1);
            const std::size_t place = last.find(text);
            if (place != std::string::npos && place > 0) found.push_back(rows.integer(0));
            is_full = static_cast<std::int64_t>(found.size()) == limit;
        }
    }
    for (const std::int64_t id : found)
        page.accounts.push_back(*first_account(
            t.select("SELECT " ROOST_ACCOUNT_COLUMNS " FROM account WHERE id = $1", id)));
    if (is_full || looked_at == limits::addresses_searched_max)
        page.cursor = std::string(containing) + last;
    return page;
}

}  // namespace

Result<Page> by_email(db::Transaction& t, std::string_view text,
                      const std::optional<std::string>& cursor, std::int64_t limit) {
    if (text.empty()) return list_all(t, cursor, limit);
    const std::string wanted = mail::normalize_email(text);
    const auto key_of = [&](std::string_view part) { return cursor->substr(part.size()); };
    if (cursor && cursor->starts_with(containing))
        return list_containing(t, wanted, key_of(containing), limit);
    if (cursor && !cursor->starts_with(beginning)) return malformed();
    Page page = list_beginning(t, wanted, cursor ? key_of(beginning) : "", limit);
    const auto missing = limit - static_cast<std::int64_t>(page.accounts.size());
    if (missing == 0) return page;
    Page rest = list_containing(t, wanted, "", missing);
    for (Account& account : rest.accounts)
        page.accounts.push_back(std::move(account));
    page.cursor = std::move(rest.cursor);
    return page;
}

}  // namespace roost::pds::account_search
