#include "base/log.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>
#include <vector>

#include "base/log_limits.h"

namespace roost::log {
namespace {

class LogTest : public testing::Test {
  protected:
    LogTest() : path_(testing::TempDir() + "roost_log_test_" + std::to_string(::getpid())) {
        std::filesystem::remove(path_);
    }
    ~LogTest() override {
        start({.level = Level::off, .file = "/dev/null"});
        std::filesystem::remove(path_);
    }
    void start_at(Level level) { start({.level = level, .file = path_}); }
    std::vector<std::string> lines() {
        flush();
        std::ifstream file(path_);
        std::vector<std::string> all;
        for (std::string line; std::getline(file, line);)
            all.push_back(line);
        return all;
    }
    // The one line that was written, without its time.
    std::string only_line() {
        const std::vector<std::string> all = lines();
        EXPECT_EQ(all.size(), 1U);
        if (all.size() != 1) return "";
        const std::string prefix = R"({"time":"2000-01-01T00:00:00.000Z",)";
        EXPECT_TRUE(all[0].starts_with(R"({"time":")"));
        EXPECT_EQ(all[0].substr(prefix.size() - 3, 2), "Z\"") << all[0];
        return "{" + all[0].substr(prefix.size());
    }

    std::string path_;
};

TEST_F(LogTest, WritesOneObjectWithFieldsInOrder) {
    start_at(Level::info);
    info("session opened", {{"did", "did:plc:abc"},
                            {"status", 200},
                            {"ratio", 0.5},
                            {"is_admin", false},
                            {"nothing", std::nan("")}});
    EXPECT_EQ(only_line(),
              R"({"level":"info","msg":"session opened","did":"did:plc:abc","status":200,)"
              R"("ratio":0.5,"is_admin":false,"nothing":null})");
}

TEST_F(LogTest, EscapesWhatCouldForgeALine) {
    start_at(Level::info);
    info("a\nb\"c\\d", {{"agent", std::string_view("\r\t\0\x1b[31m\x7f", 9)}});
    EXPECT_EQ(only_line(), R"({"level":"info","msg":"a\nb\"c\\d",)"
                           R"("agent":"\u000d\t\u0000\u001b[31m\u007f"})");
}

TEST_F(LogTest, EscapesControlsAndDirectionMarksBeyondAscii) {
    start_at(Level::info);
    // U+009B (a terminal's CSI), U+202E (right-to-left override), U+2028, U+2066; é and 🦅 stay.
    info("\xC2\x9B\xE2\x80\xAE\xE2\x80\xA8\xE2\x81\xA6 \xC3\xA9 \xF0\x9F\xA6\x85");
    EXPECT_EQ(only_line(), R"({"level":"info","msg":"\u009b\u202e\u2028\u2066 )"
                           "\xC3\xA9 \xF0\x9F\xA6\x85\"}");
}

TEST_F(LogTest, ReplacesInvalidUtf8) {
    start_at(Level::info);
    const std::vector<std::pair<std::string, int>> cases = {
        {"\xFF", 1},
        {"\xC0\x80", 2},
        {"\xE2\x82", 2},
        {"\x80", 1},
        {"\xED\xA0\x80", 3},      // a surrogate
        {"\xF4\x90\x80\x80", 4},  // beyond U+10FFFF
        {"\xE0\x80\xAF", 3},      // overlong
        {"\xF0\x80\x80\xAF", 4},
    };
    for (const auto& [bytes, count] : cases)
        info("x" + bytes + "y");
    const std::vector<std::string> all = lines();
    ASSERT_EQ(all.size(), cases.size());
    for (std::size_t i = 0; i < cases.size(); ++i) {
        std::string expected = "\"msg\":\"x";
        for (int n = 0; n < cases[i].second; ++n)
            expected += "\xEF\xBF\xBD";
        EXPECT_TRUE(all[i].ends_with(expected + "y\"}")) << all[i];
    }
}

TEST_F(LogTest, CutsLongValuesBetweenCharacters) {
    start_at(Level::info);
    const std::string fits(limits::log_value_bytes_max, 'a');
    std::string accents;  // two bytes each, at an odd offset
    accents = "a";
    while (accents.size() < 2 * limits::log_value_bytes_max)
        accents += "\xC3\xA9";
    info("", {{"fits", fits}, {"long", fits + "b"}, {"accents", accents}});
    const std::string cut = "a" + accents.substr(1, (limits::log_value_bytes_max - 1) / 2 * 2);
    EXPECT_EQ(only_line(), R"({"level":"info","msg":"","fits":")" + fits + R"(","long":")" + fits +
                               "\xE2\x80\xA6\",\"accents\":\"" + cut + "\xE2\x80\xA6\"}");
}

TEST_F(LogTest, BoundsTheMessage) {
    start_at(Level::info);
    info(std::string(1'000'000, 'm'));
    EXPECT_LT(only_line().size(), limits::log_message_bytes_max + 64);
}

TEST_F(LogTest, WritesNothingBelowItsLevel) {
    start_at(Level::warn);
    debug("no");
    info("no");
    warn("yes");
    error("yes too");
    EXPECT_FALSE(is_on(Level::info));
    EXPECT_TRUE(is_on(Level::warn));
    EXPECT_FALSE(is_on(Level::off));
    EXPECT_EQ(lines().size(), 2U);
}

TEST_F(LogTest, OffMeansNothingAtAll) {
    start_at(Level::off);
    error("no");
    write(Level::off, "no", {});
    EXPECT_EQ(lines().size(), 0U);
}

TEST_F(LogTest, KeepsIntegersExact) {
    start_at(Level::info);
    info("", {{"low", std::numeric_limits<std::int64_t>::min()},
              {"high", std::numeric_limits<std::int64_t>::max()}});
    EXPECT_EQ(only_line(), R"({"level":"info","msg":"","low":-9223372036854775808,)"
                           R"("high":9223372036854775807})");
}

TEST_F(LogTest, ThreadsDoNotMixLines) {
    start_at(Level::info);
    constexpr int threads = 4;
    constexpr int each = 250;
    {
        std::vector<std::jthread> running;
        for (int t = 0; t < threads; ++t)
            running.emplace_back([] {
                for (int n = 0; n < each; ++n)
                    info("line", {{"n", n}});
            });
    }
    const std::vector<std::string> all = lines();
    ASSERT_EQ(all.size(), static_cast<std::size_t>(threads * each));
    for (const std::string& line : all) {
        EXPECT_TRUE(line.starts_with(R"({"time":")")) << line;
        EXPECT_TRUE(line.ends_with("}")) << line;
        EXPECT_EQ(line.find("time"), line.rfind("time")) << line;
    }
}

TEST_F(LogTest, AppendsAfterARestart) {
    start_at(Level::info);
    info("one");
    start_at(Level::info);
    info("two");
    EXPECT_EQ(lines().size(), 2U);
}

TEST(Log, AFileThatCannotBeWrittenIsAFailure) {
    EXPECT_THROW(start({.level = Level::info, .file = "/proc/none/roost.log"}), std::exception);
}

}  // namespace
}  // namespace roost::log
