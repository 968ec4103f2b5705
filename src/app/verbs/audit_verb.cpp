// roost audit
#include <CLI/CLI.hpp>
#include <ostream>

#include "app/verbs/table.h"
#include "app/verbs/verb.h"
#include "atproto/data/json.h"
#include "pds/audit/audit_log.h"

namespace roost::app {

namespace {

struct Options {
    std::string subject;
    std::int64_t before = INT64_MAX;
    std::int64_t limit = 50;
};

// "updateSubjectStatus" of its NSID; JSON has all of it.
std::string short_name(const std::string& nsid) {
    return nsid.substr(nsid.rfind('.') + 1);
}

Result<int> run(Verb& verb, const Options& options) {
    const auto db = TRY(open_stored(verb.config));
    const auto entries =
        TRY(read_stored(*db, [&](db::Transaction& t) -> Result<std::vector<pds::audit_log::Entry>> {
            // Acts name the DID, whatever the account was called when it was named.
            std::optional<std::string> subject;
            if (!options.subject.empty()) {
                const Result<pds::Account> account = find_stored(t, options.subject);
                subject = account.has_value() ? account->did.text() : options.subject;
            }
            return pds::audit_log::list(t, options.before, subject, options.limit);
        }));
    if (verb.format == Format::json) {
        atproto::Array list;
        for (const pds::audit_log::Entry& entry : entries)
            list.push_back(atproto::Object{{"id", entry.id},
                                           {"at", to_iso8601(entry.act.time)},
                                           {"actor", entry.act.actor},
                                           {"method", entry.act.method},
                                           {"subject", entry.act.subject},
                                           {"detail", entry.act.detail},
                                           {"outcome", entry.outcome}});
        verb.out << atproto::json::write(atproto::Object{{"entries", std::move(list)}}) << "\n";
        return 0;
    }
    Table table({"at (UTC)", "who", "did what", "to", "outcome", "detail"});
    for (const pds::audit_log::Entry& entry : entries)
        table.add({minute_of(to_iso8601(entry.act.time)), entry.act.actor,
                   short_name(entry.act.method), entry.act.subject, entry.outcome,
                   entry.act.detail});
    verb.out << table.text();
    if (static_cast<std::int64_t>(entries.size()) == options.limit)
        verb.out << "\nThere may be more: --before " << entries.back().id << "\n";
    return 0;
}

}  // namespace

void add_audit_verb(CLI::App& program, ChosenVerb& chosen) {
    const auto options = std::make_shared<Options>();
    CLI::App& verb = add_verb(
        program, chosen, "audit", "Show what administrators and moderators did, the newest first",
        Confirmation::not_asked, [options](Verb& each) { return run(each, *options); });
    verb.add_option("subject", options->subject, "only what concerns this account, code or URI");
    verb.add_option("--before", options->before, "go on where an earlier page ended");
    verb.add_option("--limit", options->limit, "how many on a page")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
}

}  // namespace roost::app
