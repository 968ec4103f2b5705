#include "pds/sync/event_log.h"

#include <algorithm>

#include "atproto/data/cbor.h"
#include "atproto/repo/car.h"
#include "base/check.h"

namespace roost::pds::event_log {

namespace {

using atproto::Array;
using atproto::Object;
using atproto::Value;

// The numbers must stay exact in JavaScript.
constexpr std::int64_t seq_max = 1LL << 53;

void append(db::Transaction& t, const atproto::Did& did, std::string_view kind, const Value& body,
            Timestamp now) {
    std::int64_t last = 0;
    {
        db::Rows row = t.select("SELECT coalesce(max(seq), 0) FROM event");
        if (row.next()) last = row.integer(0);
    }
    const std::int64_t seq = std::max(last + 1, now.us);
    check(seq < seq_max, "event numbers stay below 2^53");
    t.execute("INSERT INTO event (seq, did, kind, body, created_at) VALUES ($1, $2, $3, $4, $5)",
              seq, did.text(), kind, atproto::cbor::encode(body), now);
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

void append_sync(db::Transaction& t, const atproto::Did& did, const atproto::Tid& rev,
                 const atproto::Cid& commit_cid, ByteView commit_block, Timestamp now) {
    Bytes car;
    atproto::append_car_header(car, commit_cid);
    atproto::append_car_block(car, commit_cid, commit_block);
    append(t, did, "sync",
           Object{{"did", did.text()}, {"rev", rev.text()}, {"blocks", std::move(car)}}, now);
}

}  // namespace roost::pds::event_log
