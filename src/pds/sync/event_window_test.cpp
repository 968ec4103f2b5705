#include "pds/sync/event_window.h"

#include <gtest/gtest.h>

#include <random>

namespace roost::pds {
namespace {

net::SharedFrame frame_of(std::size_t size) {
    return std::make_shared<const Bytes>(size, std::uint8_t{1});
}

TEST(EventWindow, GivesWhatComesAfterANumber) {
    EventWindow window(1'000);
    window.start_after(10);
    EXPECT_TRUE(window.reaches(10));
    EXPECT_FALSE(window.reaches(9));
    std::vector<net::SharedFrame> frames;
    EXPECT_EQ(window.copy_after(10, 100, frames), 10);
    EXPECT_TRUE(frames.empty());
    for (const std::int64_t seq : {12, 15, 20})
        window.append({seq, frame_of(static_cast<std::size_t>(seq))});
    EXPECT_EQ(window.copy_after(12, 100, frames), 20);
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0]->size(), 15U);
    EXPECT_EQ(frames[1]->size(), 20U);
    frames.clear();
    EXPECT_EQ(window.copy_after(13, 1, frames), 15) << "one at least, however little is asked for";
    EXPECT_EQ(window.copy_after(20, 100, frames), 20);
    EXPECT_EQ(frames.size(), 1U);
}

TEST(EventWindow, LetsTheOldestGo) {
    EventWindow window(100);
    window.start_after(0);
    window.append({1, frame_of(60)});
    window.append({2, frame_of(40)});
    EXPECT_TRUE(window.reaches(0));
    window.append({3, frame_of(1)});
    EXPECT_FALSE(window.reaches(0));
    EXPECT_TRUE(window.reaches(1));
    EXPECT_EQ(window.floor(), 1);
    window.append({4, frame_of(1'000)});
    EXPECT_EQ(window.floor(), 3) << "the newest stays";
    EXPECT_EQ(window.newest(), 4);
}

TEST(EventWindow, MatchesAModel) {
    std::mt19937 random(11);  // NOLINT(cert-msc51-cpp): the same each time
    EventWindow window(500);
    window.start_after(0);
    std::vector<std::pair<std::int64_t, std::size_t>> all;
    std::int64_t seq = 0;
    for (int round = 0; round < 3'000; ++round) {
        seq += 1 + static_cast<std::int64_t>(random() % 5);
        const std::size_t size = 1 + random() % 50;
        window.append({seq, frame_of(size)});
        all.emplace_back(seq, size);
        const auto from = window.floor() + static_cast<std::int64_t>(random() % 100);
        std::vector<std::size_t> expected;
        std::size_t bytes = 0;
        for (const auto& [number, frame_size] : all)
            if (number > from) {
                expected.push_back(frame_size);
                bytes += frame_size;
            }
        std::vector<net::SharedFrame> frames;
        EXPECT_EQ(window.copy_after(from, 1'000'000, frames), std::max(from, seq));
        std::vector<std::size_t> sizes;
        for (const auto& frame : frames)
            sizes.push_back(frame->size());
        ASSERT_EQ(sizes, expected) << round;
        EXPECT_EQ(window.lag_after(from).events, expected.size());
        EXPECT_EQ(window.lag_after(from).bytes, bytes);
        ASSERT_LE(window.lag_after(window.floor()).bytes, 500U);
    }
}

}  // namespace
}  // namespace roost::pds
