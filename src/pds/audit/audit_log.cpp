#include "pds/audit/audit_log.h"

#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

constexpr std::string_view done = "done";

// A text of the caller's, in what a row may hold of it; never in the middle of a character.
std::string_view shortened(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    std::size_t size = bytes_max;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
        --size;
    return text.substr(0, size);
}

void insert(db::Transaction& t, const AdminAct& act, std::string_view outcome) {
    db::Rows row = t.select(
        "INSERT INTO admin_act (at, actor, method, subject, detail, outcome) "
        "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        act.time, act.actor, act.method,
        shortened(act.subject, limits::admin_act_subject_bytes_max),
        shortened(act.detail, limits::admin_act_detail_bytes_max), outcome);
    check(row.next(), "an inserted entry has an id");
    t.execute("DELETE FROM admin_act WHERE id <= $1", row.integer(0) - limits::admin_acts_max);
}

audit_log::Entry read(const db::Rows& row) {
    return {.id = row.integer(0),
            .act = {.actor = std::string(row.text(2)),
                    .method = std::string(row.text(3)),
                    .subject = std::string(row.text(4)),
                    .detail = std::string(row.text(5)),
                    .time = row.time(1)},
            .outcome = std::string(row.text(6))};
}

#define ENTRY_COLUMNS "id, at, actor, method, subject, detail, outcome"

}  // namespace

AdminAct AdminAct::with(std::string more) const {
    AdminAct act = *this;
    if (!act.detail.empty()) act.detail += "; ";
    act.detail += more;
    return act;
}

Audited audit_log::append(db::Transaction& t, const AdminAct& act) {
    insert(t, act, done);
    return Audited();
}

void audit_log::append_refused(db::Transaction& t, const AdminAct& act,
                               std::string_view error_name) {
    insert(t, act, error_name);
}

std::vector<audit_log::Entry> audit_log::list(db::Transaction& t, std::int64_t before_id,
                                              const std::optional<std::string>& subject,
                                              std::int64_t limit) {
    std::vector<Entry> entries;
    db::Rows rows =
        subject ? t.select("SELECT " ENTRY_COLUMNS
                           " FROM admin_act WHERE subject = $1 AND id < $2 ORDER BY id DESC "
                           "LIMIT $3",
                           *subject, before_id, limit)
                : t.select("SELECT " ENTRY_COLUMNS
                           " FROM admin_act WHERE id < $1 ORDER BY id DESC LIMIT $2",
                           before_id, limit);
    while (rows.next())
        entries.push_back(read(rows));
    return entries;
}

}  // namespace roost::pds
