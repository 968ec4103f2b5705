#include "pds/sync/crawlers.h"

#include <gtest/gtest.h>

#include "pds/testing_network.h"

namespace roost::pds {
namespace {

constexpr std::string_view path = "/xrpc/com.atproto.sync.requestCrawl";

Task<void> pause(std::int64_t ms) {
    co_await sleep_ms(ms);
}

class CrawlersTest : public ::testing::Test {
  protected:
    Crawlers::Options options(std::vector<std::string> urls) {
        return {.hostname = "pds.example",
                .urls = std::move(urls),
                .interval_ms = 60'000,
                .retry_ms = 60'000};
    }
    void answer(const std::string& host, int status, std::string body) {
        network_.pages[host + std::string(path)] = {status, std::move(body)};
    }
    // Long enough for what must not happen; what must is waited for.
    void serve() { bed_.loop.run(pause(30)); }
    void serve_until(auto condition) {
        const std::int64_t end_us = monotonic_us() + 10'000'000;
        while (!condition() && monotonic_us() < end_us)
            bed_.loop.run(pause(2));
        EXPECT_TRUE(condition());
    }
    void serve_until_kept(Crawlers& crawlers, std::size_t count, std::string_view outcome) {
        serve_until([&] {
            const auto kept = bed_.loop.run(crawlers.outcomes());
            return kept.size() == count && kept.back().outcome == outcome;
        });
        serve();  // for the rest of the write's task
    }

    testing::TestDatabase bed_;
    testing::FakeNetwork network_;
};

TEST_F(CrawlersTest, AsksEachOnceAndNotAgainSoon) {
    answer("https://one.example", 200, "");
    answer("http://two.example:2470", 200, "{}");
    Crawlers crawlers(bed_.db(), network_,
                      options({"https://one.example", "http://two.example:2470/"}));
    crawlers.wake();  // before the start: not forgotten
    crawlers.start(bed_.loop);
    serve_until_kept(crawlers, 2, "accepted");
    ASSERT_EQ(network_.requests.size(), 2U);
    EXPECT_EQ(network_.requests[0].url, "https://one.example" + std::string(path));
    EXPECT_EQ(network_.requests[1].url, "http://two.example:2470" + std::string(path));
    EXPECT_EQ(network_.requests[0].body, R"({"hostname":"pds.example"})");
    EXPECT_EQ(network_.requests[0].content_type, "application/json");
    EXPECT_EQ(network_.requests[0].method, net::Method::post);
    for (int i = 0; i < 5; ++i) {
        crawlers.wake();
        serve();
    }
    EXPECT_EQ(network_.requests.size(), 2U);
    const auto outcomes = bed_.loop.run(crawlers.outcomes());
    ASSERT_EQ(outcomes.size(), 2U);
    EXPECT_EQ(outcomes[1].url, "https://one.example");
    EXPECT_EQ(outcomes[1].outcome, "accepted");
    EXPECT_EQ(outcomes[1].accepted_at, outcomes[1].asked_at);
    EXPECT_EQ(outcomes[1].failures, 0);
    crawlers.stop();
}

TEST_F(CrawlersTest, TellsOfNewsThatCameMeanwhileWhenTheTimeHasCome) {
    answer("https://one.example", 200, "");
    Crawlers::Options quick = options({"https://one.example"});
    quick.interval_ms = 1'000;
    Crawlers crawlers(bed_.db(), network_, quick);
    crawlers.start(bed_.loop);
    crawlers.wake();
    serve_until_kept(crawlers, 1, "accepted");
    const std::int64_t asked_us = monotonic_us();
    crawlers.wake();
    crawlers.wake();
    serve_until([&] { return network_.requests.size() == 2; });
    EXPECT_GT(monotonic_us() - asked_us, 200'000);
    bed_.loop.run(pause(1'500));
    EXPECT_EQ(network_.requests.size(), 2U) << "without news nobody is asked";
    crawlers.stop();
}

TEST_F(CrawlersTest, ARestartDoesNotAskAgainSoonUnlessItHadFailed) {
    answer("https://one.example", 200, "");
    for (unsigned start = 0; start < 2; ++start) {
        Crawlers crawlers(bed_.db(), network_,
                          options({"https://one.example", "https://gone.example"}));
        crawlers.start(bed_.loop);
        crawlers.wake();
        serve_until([&] {
            const auto kept = bed_.loop.run(crawlers.outcomes());
            return network_.requests.size() == 2U + start && kept.size() == 2 &&
                   kept[0].asked_at >= kept[1].asked_at;
        });
        serve();
        crawlers.stop();
    }
    ASSERT_EQ(network_.requests.size(), 3U);
    EXPECT_EQ(network_.requests[2].url, "https://gone.example" + std::string(path));
}

TEST_F(CrawlersTest, WaitsLongerForOneThatFails) {
    answer("https://one.example", 400, R"({"error":"HostBanned","message":"go away"})");
    Crawlers::Options quick = options({"https://one.example"});
    quick.retry_ms = 40;
    Crawlers crawlers(bed_.db(), network_, quick);
    crawlers.start(bed_.loop);
    crawlers.wake();
    const std::int64_t start_us = monotonic_us();
    serve_until([&] { return network_.requests.size() == 4; });
    EXPECT_GE(monotonic_us() - start_us, (40 + 80 + 160) * 1'000) << "longer each time";
    serve();
    auto outcomes = bed_.loop.run(crawlers.outcomes());
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].outcome, "HTTP status 400: go away");
    EXPECT_GE(outcomes[0].failures, 4);
    EXPECT_FALSE(outcomes[0].accepted_at.has_value());
    // It is told without another event, once it is back.
    answer("https://one.example", 200, "");
    serve_until_kept(crawlers, 1, "accepted");
    outcomes = bed_.loop.run(crawlers.outcomes());
    EXPECT_EQ(outcomes[0].outcome, "accepted");
    EXPECT_EQ(outcomes[0].failures, 0);
    crawlers.stop();
}

}  // namespace
}  // namespace roost::pds
