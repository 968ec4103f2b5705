// The working memory of this thread's password hashes, kept from one hash to the next.
//
// libsodium maps fresh memory for every hash and unmaps it afterwards; clearing those pages is up
// to half of what a hash costs. It cannot be told to use other memory, so the linker sends its
// calls of mmap and munmap through hash_memory.cpp (`--wrap`, CMakeLists.txt): a mapping of exactly
// the size of a hash gets this thread's HashMemory, all others are the kernel's as before. While a
// HashMemory lives, its thread's hashes use it; without one they work all the same. At most one a
// thread, made, used and destroyed there.
#pragma once

#include <cstddef>

namespace roost::pds {

class HashMemory {
  public:
    static constexpr std::size_t bytes = std::size_t{19} << 20;  // what one hash works with

    // Takes addresses, and pages of memory with the first hash. If there are no addresses to be
    // had, hashes do without.
    HashMemory();
    ~HashMemory();
    HashMemory(const HashMemory&) = delete;
    HashMemory& operator=(const HashMemory&) = delete;

    // Between two hashes: gives the pages back until the next one.
    void release();

    // For the wrapped calls: the memory, or null if there is none to lend; and whether `address`
    // was it.
    void* lend();
    bool take_back(const void* address);

  private:
    void* mapped_;
    void* memory_ = nullptr;  // within `mapped_`, where a huge page begins
    bool has_pages_ = false;
    bool is_lent_ = false;
};

}  // namespace roost::pds
