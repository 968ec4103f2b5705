#include "base/frame_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace roost {
namespace {

TEST(FrameMemory, IsUsedAgainForTheSameSize) {
    void* const first = take_frame(700);
    std::memset(first, 1, 700);
    give_back_frame(first, 700);
    void* const second = take_frame(690);
    EXPECT_EQ(second, first);
    void* const other = take_frame(200);
    EXPECT_NE(other, first);
    give_back_frame(second, 690);
    give_back_frame(other, 200);
}

TEST(FrameMemory, IsNeverHandedOutTwice) {
    std::vector<void*> frames;
    for (int round = 0; round < 3; ++round) {
        for (std::size_t size = 1; size <= 6'000; size += 37) {
            frames.push_back(take_frame(size));
            std::memset(frames.back(), round, size);
        }
        EXPECT_EQ(std::set<void*>(frames.begin(), frames.end()).size(), frames.size());
        for (std::size_t size = 1; void* const frame : frames) {
            give_back_frame(frame, size);
            size += 37;
        }
        frames.clear();
    }
}

// The sanitizers look on: nothing is lost, neither what is beyond the bound nor what a thread has
// left when it ends.
TEST(FrameMemory, MayEndOnAnotherThread) {
    std::vector<void*> frames;
    for (int i = 0; i < 1'000; ++i)
        frames.push_back(take_frame(2'000));
    std::thread([&] {
        for (void* const frame : frames)
            give_back_frame(frame, 2'000);
        void* const again = take_frame(2'000);
        std::memset(again, 1, 2'000);
        give_back_frame(again, 2'000);
    }).join();
}

}  // namespace
}  // namespace roost
