#include "pds/repos/write_lanes.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/run_loop.h"
#include "base/testing.h"
#include "pds/limits.h"

namespace roost::pds {
namespace {

constexpr std::int64_t repo = 7;

class WriteLanesTest : public ::testing::Test {
  protected:
    // Enters, tells so, and stays until let go.
    Task<void> visit(std::string name) {
        Result<WriteLanes::Lane> lane = co_await lanes_.enter(repo);
        if (!lane.has_value()) {
            log_.push_back(name + " refused");
            co_return;
        }
        log_.push_back(name + " in");
        co_await sleep_ms(1);
        log_.push_back(name + " out");
    }
    // Enters and has a commit on its way for so long.
    Task<void> commit(std::string name, std::int64_t takes_ms, bool is_durable) {
        std::optional<WriteLanes::Departure> departure;
        {
            WriteLanes::Lane lane = *co_await lanes_.enter(repo);
            log_.push_back(name + " in");
            departure.emplace(std::move(lane).depart());
        }
        co_await sleep_ms(takes_ms);
        if (is_durable) departure->set_durable();
        log_.push_back(name + " arrives");
    }
    Task<void> late_visit() {
        co_await sleep_ms(100);
        co_await visit("late");
    }
    Task<void> wait_until_empty() {
        WriteLanes::Lane lane = *co_await lanes_.enter(repo);
        co_await lane.emptied();
        log_.push_back("empty");
    }
    template <class... Tasks>
    void run_together(Tasks... tasks) {
        loop_.run(together(std::move(tasks)...));
    }
    template <class... Tasks>
    Task<void> together(Tasks... tasks) {
        (start_detached(counted(std::move(tasks))), ...);
        while (running_ > 0)
            co_await sleep_ms(1);
    }
    Task<void> counted(Task<void> task) {
        ++running_;
        co_await std::move(task);
        --running_;
    }

    RunLoop loop_;
    WriteLanes lanes_;
    std::vector<std::string> log_;
    int running_ = 0;
};

using Log = std::vector<std::string>;

TEST_F(WriteLanesTest, OneAtATimeInTheOrderTheyCame) {
    run_together(visit("a"), visit("b"), visit("c"));
    EXPECT_EQ(log_, (Log{"a in", "a out", "b in", "b out", "c in", "c out"}));
}

TEST_F(WriteLanesTest, ManyAreOnTheirWayAtOnce) {
    run_together(commit("a", 50, true), commit("b", 50, true));
    EXPECT_EQ(log_, (Log{"a in", "b in", "a arrives", "b arrives"}));
}

TEST_F(WriteLanesTest, AfterAFailureAllArriveBeforeTheNextEnters) {
    run_together(commit("a", 20, false), commit("b", 200, false), late_visit());
    EXPECT_EQ(log_, (Log{"a in", "b in", "a arrives", "b arrives", "late in", "late out"}));
}

TEST_F(WriteLanesTest, WithoutAFailureNobodyWaits) {
    run_together(commit("a", 20, true), commit("b", 300, true), late_visit());
    EXPECT_EQ(log_, (Log{"a in", "b in", "a arrives", "late in", "late out", "b arrives"}));
}

TEST_F(WriteLanesTest, WhoIsInWaitsForTheOthersToArrive) {
    run_together(commit("a", 100, true), wait_until_empty(), visit("b"));
    EXPECT_EQ(log_, (Log{"a in", "a arrives", "empty", "b in", "b out"}));
}

TEST_F(WriteLanesTest, TheLineIsBounded) {
    loop_.run([](auto& test) -> Task<void> {
        const WriteLanes::Lane lane = *co_await test.lanes_.enter(repo);
        for (std::size_t i = 0; i < limits::writers_waiting_max; ++i)
            start_detached(test.counted(test.visit("w")));
        co_await test.visit("one more");
    }(*this));
    EXPECT_EQ(log_, (Log{"one more refused"}));
    run_together();
    EXPECT_EQ(log_.size(), 1 + 2 * limits::writers_waiting_max) << "the others had their turn";
}

TEST_F(WriteLanesTest, ATaskThatEndsWhileItWaitsLosesItsPlace) {
    loop_.run([](auto& test) -> Task<void> {
        std::optional<WriteLanes::Lane> lane(*co_await test.lanes_.enter(repo));
        {
            const auto gone = testing::Abandoned::start(test.visit("gone"));
            start_detached(test.counted(test.visit("next")));
        }
        lane.reset();
        while (test.running_ > 0)
            co_await sleep_ms(1);
    }(*this));
    EXPECT_EQ(log_, (Log{"next in", "next out"}));
}

TEST_F(WriteLanesTest, ATaskThatEndsBeforeItGoesInGivesItsTurnOn) {
    loop_.run([](auto& test) -> Task<void> {
        std::optional<WriteLanes::Lane> lane(*co_await test.lanes_.enter(repo));
        {
            const auto gone = testing::Abandoned::start(test.visit("gone"));
            start_detached(test.counted(test.visit("next")));
            lane.reset();  // its turn, but it has not resumed yet
        }
        while (test.running_ > 0)
            co_await sleep_ms(1);
    }(*this));
    EXPECT_EQ(log_, (Log{"next in", "next out"}));
}

}  // namespace
}  // namespace roost::pds
