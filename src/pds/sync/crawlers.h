// Tells relays that there is something new here, so that those which do not listen begin to.
//
// After new events each is asked once to crawl this server, and not again for 20 minutes; one that
// fails is asked again by itself, later each time. What came of it is in the database, also for the
// time after a restart. Nothing runs while nothing happens.
// https://docs.bsky.app/docs/api/com-atproto-sync-request-crawl
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/task.h"
#include "db/database.h"
#include "net/http_client.h"
#include "pds/limits.h"

namespace roost::pds {

class Crawlers {
  public:
    struct Options {
        std::string hostname;           // which the relays are to connect to
        std::vector<std::string> urls;  // of the relays
        std::int64_t interval_ms = limits::crawler_interval_ms;
        std::int64_t retry_ms = limits::crawler_retry_ms;  // doubles up to …
        std::int64_t retry_ms_max = limits::crawler_retry_ms_max;
    };
    // Both must outlive stop() and the executor's last work.
    Crawlers(db::Database& db, net::HttpClient& http, Options options);

    // Once, with an executor that the client may be used on.
    void start(Executor& executor);
    // Any thread: nobody is asked after this.
    void stop();
    // There are new events. Any thread, at any time, cheap.
    void wake();

    // For the operator, and for tests.
    struct Outcome {
        std::string url;
        Timestamp asked_at;
        std::optional<Timestamp> accepted_at;
        std::int64_t failures;
        std::string outcome;
    };
    Task<std::vector<Outcome>> outcomes();
    static Task<std::vector<Outcome>> outcomes_in(db::Database& db);

    // Asks one relay, now: `accepted`, or what went wrong.
    static constexpr std::string_view accepted = "accepted";
    static Task<std::string> ask_relay(net::HttpClient& http, std::string url,
                                       std::string hostname);

  private:
    // What is known of each, on the executor's thread.
    struct Crawler {
        std::string url;
        std::int64_t next_at_us = 0;  // not before, by the time of day
        std::int64_t failures = 0;
        bool has_news = false;  // of which it was not told
    };

    Task<void> run();
    Task<void> load();
    Task<void> ask(Crawler& crawler);
    Task<Result<void>> record(std::string url, Timestamp time, std::int64_t failures,
                              std::string outcome);
    void plan();

    db::Database& db_;
    net::HttpClient& http_;
    const Options options_;
    std::atomic<Executor*> executor_ = nullptr;
    std::atomic<bool> is_stopping_ = false;
    std::atomic<bool> has_news_ = false;       // that run() has not seen
    std::atomic<bool> all_have_news_ = false;  // more news change nothing

    std::vector<Crawler> crawlers_;
    bool is_loaded_ = false;
    bool is_running_ = false;
    std::int64_t planned_at_us_ = 0;  // the next run that is posted; 0: none
};

}  // namespace roost::pds
