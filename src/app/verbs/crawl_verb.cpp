// roost crawl
#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "app/verbs/table.h"
#include "app/verbs/verb.h"
#include "atproto/data/json.h"
#include "net/fetch_once.h"
#include "pds/sync/crawlers.h"

namespace roost::app {

namespace {

using pds::Crawlers;

Task<void> ask_all(net::HttpClient& client, const Config& config,
                   std::vector<std::string>& answers) {
    for (const std::string& url : config.stream.crawlers)
        answers.push_back(co_await Crawlers::ask_relay(client, url, config.service.hostname));
}

Result<int> run(Verb& verb) {
    const std::vector<std::string>& urls = verb.config.stream.crawlers;
    if (urls.empty())
        return Error::invalid("no relay is named: set PDS_CRAWLERS, https://bsky.network for one");
    const auto db = TRY(open_stored(verb.config));
    std::vector<std::string> answers;
    const std::vector<Crawlers::Outcome> kept = RunLoop().run(Crawlers::outcomes_in(*db));
    net::with_client(
        {}, [&](net::HttpClient& client) { return ask_all(client, verb.config, answers); });
    bool are_all_accepted = true;
    atproto::Array relays;
    Table table({"relay", "answer now", "accepted before (UTC)", "failures since"});
    for (std::size_t i = 0; i < urls.size(); ++i) {
        are_all_accepted &= answers[i] == Crawlers::accepted;
        const auto before = std::ranges::find(kept, urls[i], &Crawlers::Outcome::url);
        const bool is_kept = before != kept.end();
        const auto accepted_at =
            is_kept && before->accepted_at ? to_iso8601(*before->accepted_at) : std::string();
        const std::int64_t failures = is_kept ? before->failures : 0;
        table.add({urls[i], answers[i], minute_of(accepted_at), grouped(failures)});
        relays.push_back(atproto::Object{
            {"url", urls[i]},
            {"answer", answers[i]},
            {"acceptedAt", accepted_at.empty() ? atproto::Value(nullptr) : accepted_at},
            {"failures", failures}});
    }
    if (verb.format == Format::json)
        verb.out << atproto::json::write(atproto::Object{{"relays", std::move(relays)}}) << "\n";
    else
        verb.out << table.text();
    return are_all_accepted ? 0 : 1;
}

}  // namespace

void add_crawl_verb(CLI::App& program, ChosenVerb& chosen) {
    add_verb(program, chosen, "crawl",
             "Ask the relays now to crawl this server, and show what they said before",
             Confirmation::not_asked, run);
}

}  // namespace roost::app
