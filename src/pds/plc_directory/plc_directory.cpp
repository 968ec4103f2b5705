#include "pds/plc_directory/plc_directory.h"

#include "atproto/data/json.h"
#include "atproto/plc/log.h"
#include "base/check.h"

namespace roost::pds {

namespace {

namespace plc = atproto::plc;
using Entry = PlcDirectory::Entry;

#define ENTRY_COLUMNS "did, cid, operation, nullified, created_at"

std::vector<Entry> read_all(db::Rows rows) {
    std::vector<Entry> entries;
    while (rows.next()) {
        Result<atproto::Did> did = atproto::Did::parse(rows.text(0));
        check(did.has_value(), "a stored DID is valid");
        entries.push_back({*std::move(did), std::string(rows.text(1)), std::string(rows.text(2)),
                           rows.integer(3) != 0, rows.time(4)});
    }
    return entries;
}

std::vector<Entry> log_of(db::Transaction& t, const atproto::Did& did) {
    return read_all(t.select(
        "SELECT " ENTRY_COLUMNS " FROM plc_operation WHERE did = $1 ORDER BY id", did.text()));
}

Result<plc::Operation> parse_operation(std::string_view json) {
    return plc::Operation::parse(TRY(atproto::json::parse(json)));
}

// The log as it counts: without what was nullified.
std::vector<plc::LogEntry> standing(const std::vector<Entry>& entries) {
    std::vector<plc::LogEntry> log;
    for (const Entry& entry : entries) {
        if (entry.is_nullified) continue;
        Result<plc::Operation> operation = parse_operation(entry.operation);
        check(operation.has_value(), "a stored operation is valid");
        log.push_back({.operation = *std::move(operation), .created = entry.created_at});
    }
    return log;
}

}  // namespace

Task<Result<void>> PlcDirectory::submit(atproto::Did did, std::string operation_json,
                                        Timestamp now) {
    const plc::Operation operation = CO_TRY(parse_operation(operation_json));
    co_return co_await db_.write([did, operation, now](db::Transaction& t) -> Result<void> {
        const std::vector<plc::LogEntry> log = standing(log_of(t, did));
        const std::size_t nullified = TRY(plc::check_next(did, log, operation, now));
        for (std::size_t i = log.size() - nullified; i < log.size(); ++i)
            t.execute("UPDATE plc_operation SET nullified = 1 WHERE did = $1 AND cid = $2",
                      did.text(), log[i].operation.cid().text());
        t.execute(
            "INSERT INTO plc_operation (did, cid, operation, created_at) VALUES ($1, $2, $3, $4)",
            did.text(), operation.cid().text(), atproto::json::write(operation.value()), now);
        return {};
    });
}

Task<Result<std::vector<Entry>>> PlcDirectory::log(atproto::Did did) {
    co_return co_await db_.read(
        [&](db::Transaction& t) -> Result<std::vector<Entry>> { return log_of(t, did); });
}

Task<Result<std::vector<Entry>>> PlcDirectory::export_after(Timestamp after, std::int64_t limit) {
    co_return co_await db_.read([&](db::Transaction& t) -> Result<std::vector<Entry>> {
        return read_all(t.select("SELECT " ENTRY_COLUMNS
                                 " FROM plc_operation WHERE created_at > $1 ORDER BY id LIMIT $2",
                                 after, limit));
    });
}

}  // namespace roost::pds
