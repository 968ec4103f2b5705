#include "pds/sync/event_log.h"

#include <algorithm>

#include "atproto/data/cbor.h"
#include "atproto/repo/car.h"
#include "base/check.h"
#include "pds/limits.h"
#include "pds/sync/frames.h"

namespace roost::pds::event_log {

namespace {

using atproto::Array;
using atproto::Object;
using atproto::Value;

// The numbers must stay exact in JavaScript.
constexpr std::int64_t seq_max = 1LL << 53;

struct Place {
    std::int64_t seq;
    std::optional<std::int64_t> previous = std::nullopt;
};

void insert(db::Transaction& t, const Place& place, const atproto::Did& did, std::string_view kind,
            ByteView body, Timestamp now) {
    check(place.seq < seq_max, "event numbers stay below 2^53");
    check(body.size() + frame_overhead_max <= limits::event_frame_bytes_max,
          "an event fits into a frame");
    t.execute(
        "INSERT INTO event (seq, did, kind, body, created_at, previous) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        place.seq, did.text(), kind, body, now, place.previous);
}

void append(db::Transaction& t, const atproto::Did& did, std::string_view kind, const Value& body,
            Timestamp now) {
    insert(t, {next_seq(t, now)}, did, kind, atproto::cbor::encode(body), now);
}

}  // namespace

void append_identity(db::Transaction& t, const atproto::Did& did,
                     const std::optional<atproto::Handle>& handle, Timestamp now) {
    Object body{{"did", did.text()}};
    if (handle) body.set("handle", handle->text());
    append(t, did, "identity", std::move(body), now);
}

void append_account(db::Transaction& t, const atproto::Did& did, AccountStatus status,
                    Timestamp now) {
    Object body{{"did", did.text()}, {"active", status == AccountStatus::active}};
    if (const auto text = status_text(status)) body.set("status", *text);
    append(t, did, "account", std::move(body), now);
}

void append_account_deleted(db::Transaction& t, const atproto::Did& did, Timestamp now) {
    append(t, did, "account", Object{{"did", did.text()}, {"active", false}, {"status", "deleted"}},
           now);
}

void append_first_commit(db::Transaction& t, const atproto::Did& did, const atproto::NewRepo& repo,
                         Timestamp now) {
    append(t, did, "commit",
           Object{
               {"repo", did.text()},
               {"commit", repo.commit},
               {"rev", repo.rev.text()},
               {"since", nullptr},
               {"blocks", atproto::write_car(repo.commit, repo.blocks)},
               {"ops", Array{}},
               {"blobs", Array{}},
               {"rebase", false},
               {"tooBig", false},
           },
           now);
}

void append_commit(db::Transaction& t, std::int64_t seq, std::int64_t previous,
                   const atproto::Did& did, ByteView body, Timestamp now) {
    insert(t, {seq, previous}, did, "commit", body, now);
}

std::vector<Bytes> commits(db::Transaction& t, CommitRange range) {
    std::vector<Bytes> bodies;
    for (std::int64_t seq = range.last; seq > range.after;) {
        db::Rows row = t.select("SELECT body, previous FROM event WHERE seq = $1", seq);
        if (!row.next()) break;  // the tree that it leads to will not be that of the commit
        const ByteView body = row.bytes(0);
        bodies.emplace_back(body.begin(), body.end());
        seq = row.integer(1);
    }
    std::ranges::reverse(bodies);
    return bodies;
}

void append_sync(db::Transaction& t, const atproto::Did& did, const atproto::Tid& rev,
                 const atproto::Cid& commit_cid, ByteView commit_block, Timestamp now) {
    Bytes car;
    atproto::append_car_header(car, commit_cid);
    atproto::append_car_block(car, commit_cid, commit_block);
    append(t, did, "sync",
           Object{{"did", did.text()}, {"rev", rev.text()}, {"blocks", std::move(car)}}, now);
}

void for_each_after(db::Transaction& t, std::int64_t seq,
                    const std::function<bool(const Stored&)>& function) {
    db::Rows rows =
        t.select("SELECT seq, kind, body, created_at FROM event WHERE seq > $1 ORDER BY seq", seq);
    while (rows.next())
        if (!function({rows.integer(0), rows.text(1), rows.time(3), rows.bytes(2)})) return;
}

std::int64_t next_seq(db::Transaction& t, Timestamp now) {
    return std::max(newest(t) + 1, now.us);
}

std::int64_t newest(db::Transaction& t) {
    db::Rows row = t.select("SELECT coalesce(max(seq), 0) FROM event");
    return row.next() ? row.integer(0) : 0;
}

std::optional<Numbered> first_after(db::Transaction& t, std::int64_t seq) {
    db::Rows row =
        t.select("SELECT seq, created_at FROM event WHERE seq > $1 ORDER BY seq LIMIT 1", seq);
    if (!row.next()) return std::nullopt;
    return Numbered{row.integer(0), row.time(1)};
}

std::optional<std::int64_t> first_since(db::Transaction& t, Timestamp oldest, std::int64_t after) {
    db::Rows row =
        t.select("SELECT seq FROM event WHERE seq > $1 AND created_at >= $2 ORDER BY seq LIMIT 1",
                 after, oldest);
    if (!row.next()) return std::nullopt;
    return row.integer(0);
}

std::int64_t prune(db::Transaction& t, Timestamp before, std::int64_t count_max) {
    const std::int64_t start = pruned_through(t);
    std::int64_t last = start;
    std::int64_t count = 0;
    {
        db::Rows rows = t.select(
            "SELECT seq, created_at FROM event"
            " WHERE seq > $1 AND seq < (SELECT max(seq) FROM event) ORDER BY seq LIMIT $2",
            start, count_max);
        for (; rows.next() && rows.time(1) < before; ++count)
            last = rows.integer(0);
    }
    if (count == 0) return 0;
    t.execute(
        "INSERT INTO event_horizon (id, pruned_through) VALUES (1, $1)"
        " ON CONFLICT (id) DO UPDATE SET pruned_through = excluded.pruned_through",
        last);
    // What a repository has not yet put into its nodes is replayed from here.
    t.execute(
        "DELETE FROM event WHERE seq > $1 AND seq <= $2 AND NOT (kind = 'commit' AND EXISTS"
        " (SELECT 1 FROM account JOIN repo ON repo.account_id = account.id"
        " WHERE account.did = event.did AND repo.nodes_seq < event.seq))",
        start, last);
    return count;
}

void forget_replayed(db::Transaction& t, CommitRange range) {
    const std::int64_t pruned = pruned_through(t);
    if (pruned <= range.after) return;
    for (std::int64_t seq = range.last; seq > range.after;) {
        std::int64_t previous = 0;
        {
            db::Rows row = t.select("SELECT previous FROM event WHERE seq = $1", seq);
            if (!row.next()) return;
            previous = row.integer(0);
        }
        if (seq <= pruned) t.execute("DELETE FROM event WHERE seq = $1", seq);
        seq = previous;
    }
}

std::int64_t pruned_through(db::Transaction& t) {
    db::Rows row = t.select("SELECT pruned_through FROM event_horizon WHERE id = 1");
    return row.next() ? row.integer(0) : 0;
}

}  // namespace roost::pds::event_log
