#include "pds/accounts/hash_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "pds/accounts/password_hash.h"

namespace roost::pds {
namespace {

// How many pages this thread touched for the first time so far.
long page_faults() {
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    return used.ru_minflt;
}

std::int64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t all = 0, resident = 0;
    statm >> all >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

bool verifies(const std::string& hash) {
    return verify_password(SecretText("correct horse"), hash) == PasswordMatch::yes &&
           verify_password(SecretText("correct mouse"), hash) == PasswordMatch::no;
}

TEST(HashMemory, IsUsedAgainByTheNextHash) {
    const std::string made_without = hash_password(SecretText("correct horse"));
    HashMemory memory;
    EXPECT_TRUE(verifies(made_without));
    const std::int64_t resident = resident_bytes();
    const long before = page_faults();
    EXPECT_TRUE(verifies(made_without));
    const std::string made_with = hash_password(SecretText("correct horse"));
    EXPECT_LT(page_faults() - before, 100) << "a hash has 4,864 pages";
    EXPECT_LT(resident_bytes() - resident, std::int64_t{1} << 20);
    std::thread([&] { EXPECT_TRUE(verifies(made_with)) << "without the memory"; }).join();
}

TEST(HashMemory, GivesItsPagesBackAndTakesThemAgain) {
    HashMemory memory;
    const std::string hash = hash_password(SecretText("correct horse"));
    const std::int64_t resident = resident_bytes();
    memory.release();
    EXPECT_GT(resident - resident_bytes(), std::int64_t{18} << 20);
    EXPECT_TRUE(verifies(hash));
    EXPECT_GT(resident_bytes(), resident - (std::int64_t{1} << 20));
    memory.release();
    memory.release();
    EXPECT_TRUE(verifies(hash));
}

TEST(HashMemory, IsLentForOneMappingAtATimeAndForNoOther) {
    HashMemory memory;
    const auto map = [](std::size_t bytes) {
        return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    };
    void* const first = map(HashMemory::bytes);
    void* const second = map(HashMemory::bytes);
    void* const larger = map(HashMemory::bytes + 4'096);
    ASSERT_NE(second, MAP_FAILED);
    ASSERT_NE(larger, MAP_FAILED);
    EXPECT_FALSE(memory.take_back(second));
    EXPECT_FALSE(memory.take_back(larger));
    EXPECT_EQ(munmap(second, HashMemory::bytes), 0);
    EXPECT_EQ(munmap(larger, HashMemory::bytes + 4'096), 0);
    EXPECT_EQ(munmap(first, HashMemory::bytes), 0);
    EXPECT_EQ(map(HashMemory::bytes), first);
    EXPECT_EQ(munmap(first, HashMemory::bytes), 0);
}

}  // namespace
}  // namespace roost::pds
