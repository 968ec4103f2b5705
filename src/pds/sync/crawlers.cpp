#include "pds/sync/crawlers.h"

#include <algorithm>
#include <exception>

#include "atproto/data/json.h"
#include "base/log.h"

namespace roost::pds {

namespace {

// Of what a relay says when it refuses: enough for a person to see why.
constexpr std::size_t reason_bytes_max = 300;

std::string request_url(std::string_view crawler) {
    while (crawler.ends_with('/'))
        crawler.remove_suffix(1);
    return std::string(crawler) + "/xrpc/com.atproto.sync.requestCrawl";
}

std::string refusal(const net::ClientResponse& response) {
    std::string reason = "HTTP status " + std::to_string(response.status);
    const auto body = atproto::json::parse(response.body);
    const auto* object = body ? body->as<atproto::Object>() : nullptr;
    const atproto::Value* message = object != nullptr ? object->find("message") : nullptr;
    if (const auto* text = message != nullptr ? message->as<std::string>() : nullptr)
        reason += ": " + text->substr(0, reason_bytes_max);
    return reason;
}

}  // namespace

Crawlers::Crawlers(db::Database& db, net::HttpClient& http, Options options)
    : db_(db), http_(http), options_(std::move(options)) {
    for (const std::string& url : options_.urls)
        crawlers_.push_back({.url = url});
}

void Crawlers::start(Executor& executor) {
    executor_ = &executor;
    if (has_news_.exchange(false)) wake();
}

void Crawlers::stop() {
    is_stopping_ = true;
}

void Crawlers::wake() {
    if (options_.urls.empty() || is_stopping_ || all_have_news_ || has_news_.exchange(true)) return;
    Executor* const executor = executor_;
    if (executor != nullptr) executor->post([this] { start_detached(run()); });
}

Task<void> Crawlers::run() {
    if (is_running_ || is_stopping_) co_return;  // who runs plans the next
    is_running_ = true;
    try {
        if (!is_loaded_) co_await load();
        if (has_news_.exchange(false)) {
            for (Crawler& crawler : crawlers_)
                crawler.has_news = true;
            all_have_news_ = true;
        }
        for (Crawler& crawler : crawlers_)
            if (!is_stopping_ && crawler.has_news && crawler.next_at_us <= now().us)
                co_await ask(crawler);
    } catch (const std::exception& exception) {
        log::error("relays could not be asked to crawl", {{"reason", exception.what()}});
    }
    is_running_ = false;
    plan();
}

// While news wait for a relay whose time has not come, there is one run posted for it.
void Crawlers::plan() {
    if (has_news_) {
        Executor::current().post([this] { start_detached(run()); });
        return;
    }
    std::int64_t next_us = 0;
    for (const Crawler& crawler : crawlers_)
        if (crawler.has_news && (next_us == 0 || crawler.next_at_us < next_us))
            next_us = crawler.next_at_us;
    const bool is_planned = planned_at_us_ != 0 && planned_at_us_ <= next_us;
    if (next_us == 0 || is_planned || is_stopping_) return;
    planned_at_us_ = next_us;
    const std::int64_t wait_us = std::max<std::int64_t>(next_us - now().us, 0);
    Executor::current().post_after(wait_us / 1'000 + 1, [this, next_us] {
        if (planned_at_us_ == next_us) planned_at_us_ = 0;
        start_detached(run());
    });
}

Task<void> Crawlers::ask(Crawler& crawler) {
    const Timestamp time = now();
    crawler.has_news = false;  // what happens from here on is news again
    all_have_news_ = false;
    std::string outcome = co_await ask_relay(http_, crawler.url, options_.hostname);
    if (outcome == accepted) {
        crawler.failures = 0;
        crawler.next_at_us = time.us + options_.interval_ms * 1'000;
    } else {
        crawler.has_news = true;
        const std::int64_t doublings = std::min<std::int64_t>(crawler.failures++, 20);
        const std::int64_t wait_ms =
            std::min(options_.retry_ms << doublings, options_.retry_ms_max);
        crawler.next_at_us = now().us + wait_ms * 1'000;
        log::warn("a relay was asked to crawl and did not agree",
                  {{"relay", crawler.url}, {"reason", outcome}});
    }
    const Result<void> recorded =
        co_await record(crawler.url, time, crawler.failures, std::move(outcome));
    if (!recorded.has_value())
        log::warn("what a relay said could not be kept", {{"reason", recorded.error().message}});
}

Task<std::string> Crawlers::ask_relay(net::HttpClient& http, std::string url,
                                      std::string hostname) {
    net::ClientRequest request{.method = net::Method::post,
                               .url = request_url(url),
                               .content_type = "application/json",
                               .policy = net::AddressPolicy::configured};
    request.body = "{\"hostname\":";
    atproto::json::append_string(request.body, hostname);
    request.body += '}';
    const Result<net::ClientResponse> response = co_await http.send(std::move(request));
    if (!response.has_value()) co_return response.error().message;
    if (response->status != 200) co_return refusal(*response);
    co_return std::string(accepted);
}

Task<void> Crawlers::load() {
    const std::vector<Outcome> known = co_await outcomes();
    for (Crawler& crawler : crawlers_) {
        const auto found = std::ranges::find(known, crawler.url, &Outcome::url);
        if (found == known.end() || found->failures > 0) continue;
        crawler.next_at_us = found->asked_at.us + options_.interval_ms * 1'000;
    }
    is_loaded_ = true;
}

Task<Result<void>> Crawlers::record(std::string url, Timestamp time, std::int64_t failures,
                                    std::string outcome) {
    std::optional<Timestamp> accepted_at;
    if (failures == 0) accepted_at = time;
    const auto body = [url, time, failures, outcome, accepted_at](db::Transaction& t) {
        t.execute(
            "INSERT INTO crawler (url, asked_at, accepted_at, failures, outcome)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (url) DO UPDATE SET"
            " asked_at = excluded.asked_at, failures = excluded.failures,"
            " accepted_at = coalesce(excluded.accepted_at, accepted_at),"
            " outcome = excluded.outcome",
            url, time, accepted_at, failures, outcome);
        return Result<void>();
    };
    co_return co_await db_.write(body);
}

Task<std::vector<Crawlers::Outcome>> Crawlers::outcomes() {
    return outcomes_in(db_);
}

Task<std::vector<Crawlers::Outcome>> Crawlers::outcomes_in(db::Database& db) {
    co_return co_await db.read([](db::Transaction& t) {
        std::vector<Outcome> found;
        db::Rows rows = t.select(
            "SELECT url, asked_at, accepted_at, failures, outcome FROM crawler ORDER BY url");
        while (rows.next())
            found.push_back({std::string(rows.text(0)), rows.time(1), rows.optional_time(2),
                             rows.integer(3), std::string(rows.text(4))});
        return found;
    });
}

}  // namespace roost::pds
