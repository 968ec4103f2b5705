// The log of what administrators do to accounts and what is in them: who, what, to whom, when, and
// what became of it. It is for the operator; no method of the network shows it.
//
// An act and its entry are one transaction: append() gives an Audited, which nothing else makes,
// and methods of administrators answer only with one in hand. A refused try has an entry, too, in a
// transaction of its own. The newest limits::admin_acts_max entries are kept. What an act is about
// is named, but no e-mail address, password or text of a letter is ever in an entry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "db/transaction.h"

namespace roost::pds {

// What somebody is about to do. A value: bodies of writes own it.
struct AdminAct {
    std::string actor;    // "admin from ADDRESS", "moderator DID"
    std::string method;   // NSID
    std::string subject;  // a DID, an AT URI, an invite code …
    std::string detail = {};
    Timestamp time;

    AdminAct with(std::string more) const;
};

class Audited;

namespace audit_log {

// Part of the act's transaction.
Audited append(db::Transaction& t, const AdminAct& act);
// What did not come about.
void append_refused(db::Transaction& t, const AdminAct& act, std::string_view error_name);

struct Entry {
    std::int64_t id = 0;
    AdminAct act;
    std::string outcome;  // "done", or the name of the refusal
};
// Newest first, below that id; only about that subject if one is given.
std::vector<Entry> list(db::Transaction& t, std::int64_t before_id,
                        const std::optional<std::string>& subject, std::int64_t limit);

}  // namespace audit_log

// The proof that an act is in the log, of the transaction that did it.
class Audited {
  private:
    Audited() = default;
    friend Audited audit_log::append(db::Transaction& t, const AdminAct& act);
};

}  // namespace roost::pds
