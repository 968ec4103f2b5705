#include "net/fetch_once.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/executor.h"

namespace roost::net {
namespace {

Task<void> ask(HttpClient& client, std::string& error) {
    const auto response =
        co_await client.send({.url = "http://127.0.0.1:1/", .policy = AddressPolicy::configured});
    error = response.has_value() ? "an answer" : response.error().name;
    co_await sleep_ms(1);
}

Task<void> fail(HttpClient&) {
    co_await sleep_ms(1);
    throw std::runtime_error("on purpose");
}

TEST(FetchOnce, RunsToTheEnd) {
    std::string error;
    for (int i = 0; i < 2; ++i) {
        error.clear();
        with_client({}, [&](HttpClient& client) { return ask(client, error); });
        EXPECT_EQ(error, "UpstreamNotReached");
    }
}

TEST(FetchOnce, PassesOnWhatIsThrown) {
    EXPECT_THROW(with_client({}, fail), std::runtime_error);
}

}  // namespace
}  // namespace roost::net
