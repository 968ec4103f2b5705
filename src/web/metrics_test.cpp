#include "web/metrics.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/clock.h"

namespace roost::web {
namespace {

constexpr std::string_view get_session = "com.atproto.server.getSession";
constexpr std::string_view get_record = "com.atproto.repo.getRecord";
constexpr std::array<std::string_view, 2> methods = {get_session, get_record};

bool has_line(const std::string& text, std::string_view line) {
    return ("\n" + text).contains("\n" + std::string(line) + "\n");
}

TEST(Metrics, CountsRequestsByMethodAndStatus) {
    Metrics metrics(methods);
    metrics.count_request(metrics.method(get_session), 200, 40);
    metrics.count_request(metrics.method(get_session), 200, 50);
    metrics.count_request(metrics.method(get_session), 401, 60);
    const std::string text = metrics.render();
    EXPECT_TRUE(has_line(
        text, R"(roost_requests_total{method="com.atproto.server.getSession",status="200"} 2)"))
        << text;
    EXPECT_TRUE(has_line(
        text, R"(roost_requests_total{method="com.atproto.server.getSession",status="401"} 1)"))
        << text;
    EXPECT_FALSE(text.contains("getRecord")) << "methods without requests take no room";
}

TEST(Metrics, FoldsUnknownMethodsIntoOther) {
    Metrics metrics(methods);
    for (int i = 0; i < 100; ++i)
        metrics.count_request(metrics.method("com.evil.n" + std::to_string(i)), 501, 10);
    const std::string text = metrics.render();
    EXPECT_TRUE(has_line(text, R"(roost_requests_total{method="other",status="501"} 100)"));
    EXPECT_FALSE(text.contains("com.evil"));
}

TEST(Metrics, FoldsOddStatusesIntoTheirHundred) {
    Metrics metrics(methods);
    for (const int status : {418, 420, 499})
        metrics.count_request({}, status, 1);
    for (const int status : {505, 599, 600, 1'000'000})
        metrics.count_request({}, status, 1);
    for (const int status : {100, 0, -5})
        metrics.count_request({}, status, 1);
    const std::string text = metrics.render();
    EXPECT_TRUE(has_line(text, R"(roost_requests_total{method="other",status="499"} 3)")) << text;
    EXPECT_TRUE(has_line(text, R"(roost_requests_total{method="other",status="599"} 4)")) << text;
    EXPECT_TRUE(has_line(text, R"(roost_requests_total{method="other",status="100"} 3)")) << text;
}

TEST(Metrics, KeepsCumulativeDurations) {
    Metrics metrics(methods);
    const Metrics::Method method = metrics.method(get_record);
    for (const std::int64_t us : {50, 51, 100, 2'000, 20'000'000})
        metrics.count_request(method, 200, us);
    const std::string text = metrics.render();
    const auto bucket = [&](std::string_view end, int count) {
        return has_line(
            text, R"(roost_request_duration_seconds_bucket{method="com.atproto.repo.getRecord",)"
                  R"(le=")" +
                      std::string(end) + "\"} " + std::to_string(count));
    };
    EXPECT_TRUE(bucket("5e-05", 1) || bucket("5.0000000000000002e-05", 1)) << text;
    EXPECT_TRUE(bucket("0.0025", 4) || bucket("0.0025000000000000001", 4)) << text;
    EXPECT_TRUE(bucket("10", 4)) << text;
    EXPECT_TRUE(bucket("+Inf", 5)) << text;
    EXPECT_TRUE(has_line(
        text, R"(roost_request_duration_seconds_count{method="com.atproto.repo.getRecord"} 5)"))
        << text;
}

TEST(Metrics, AsksForSampledValuesWhenRendered) {
    Metrics metrics(methods);
    double length = 3;
    metrics.add(Metrics::Kind::gauge, "roost_mail_queue_length", "Mails that wait",
                [&] { return length; });
    metrics.add(Metrics::Kind::counter, "roost_db_writes_total", "Writes", [] { return 7.0; });
    length = 4;
    const std::string text = metrics.render();
    EXPECT_TRUE(has_line(text, "# HELP roost_mail_queue_length Mails that wait"));
    EXPECT_TRUE(has_line(text, "# TYPE roost_mail_queue_length gauge"));
    EXPECT_TRUE(has_line(text, "roost_mail_queue_length 4"));
    EXPECT_TRUE(has_line(text, "# TYPE roost_db_writes_total counter"));
    EXPECT_TRUE(has_line(text, "roost_db_writes_total 7"));
}

TEST(Metrics, LosesNothingWhenThreadsCountAtOnce) {
    Metrics metrics(methods);
    const Metrics::Method method = metrics.method(get_record);
    constexpr int threads = 12;  // more than shards
    constexpr int each = 2'000;
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i)
        running.emplace_back([&] {
            for (int n = 0; n < each; ++n)
                metrics.count_request(method, 200, n);
        });
    for (int i = 0; i < 5; ++i)
        (void)metrics.render();
    running.clear();
    EXPECT_TRUE(has_line(
        metrics.render(),
        R"(roost_requests_total{method="com.atproto.repo.getRecord",status="200"} 24000)"));
}

// The promise is below 100 ns; sanitized and on a busy machine it may be many times more, a lock
// or a look-up by name would still be seen.
TEST(Metrics, CountingIsCheap) {
    Metrics metrics(methods);
    const Metrics::Method method = metrics.method(get_record);
    constexpr int count = 100'000;
    timespec before{};
    timespec after{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    for (int n = 0; n < count; ++n)
        metrics.count_request(method, 200, n);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    const double ns = static_cast<double>(after.tv_sec - before.tv_sec) * 1e9 +
                      static_cast<double>(after.tv_nsec - before.tv_nsec);
    EXPECT_LT(ns / count, 1'000);
    RecordProperty("nanoseconds", std::to_string(ns / count));
}

}  // namespace
}  // namespace roost::web
