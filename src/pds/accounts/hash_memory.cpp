#include "pds/accounts/hash_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <memory>

#include "base/check.h"

// The names are the linker's.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void* __real_mmap(void* address, std::size_t length, int protection, int flags, int file,
                  off_t offset);
int __real_munmap(void* address, std::size_t length);
void* __wrap_mmap(void* address, std::size_t length, int protection, int flags, int file,
                  off_t offset);
int __wrap_munmap(void* address, std::size_t length);
}

namespace roost::pds {

namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;
constexpr std::size_t whole_huge_pages =
    (HashMemory::bytes + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
constexpr std::size_t mapped_bytes = whole_huge_pages + huge_page_bytes;

thread_local HashMemory* of_this_thread = nullptr;

}  // namespace

HashMemory::HashMemory()
    : mapped_(__real_mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    check(of_this_thread == nullptr, "a thread has one memory for hashes");
    of_this_thread = this;
    if (mapped_ == MAP_FAILED) return;
    std::size_t space = mapped_bytes;
    memory_ = mapped_;
    std::align(huge_page_bytes, whole_huge_pages, memory_, space);
    // Advice: where the kernel does not take it, pages are small ones.
    madvise(memory_, whole_huge_pages, MADV_HUGEPAGE);
}

HashMemory::~HashMemory() {
    check(!is_lent_, "no hash is under way");
    of_this_thread = nullptr;
    if (mapped_ != MAP_FAILED) __real_munmap(mapped_, mapped_bytes);
}

void HashMemory::release() {
    check(!is_lent_, "no hash is under way");
    if (!has_pages_) return;
    madvise(memory_, whole_huge_pages, MADV_DONTNEED);
    has_pages_ = false;
}

void* HashMemory::lend() {
    if (memory_ == nullptr || is_lent_) return nullptr;
    // All at once costs less than one by one; if it cannot be had, they come when they are touched.
    if (!has_pages_) madvise(memory_, bytes, MADV_POPULATE_WRITE);
    has_pages_ = true;
    is_lent_ = true;
    return memory_;
}

bool HashMemory::take_back(const void* address) {
    if (!is_lent_ || address != memory_) return false;
    is_lent_ = false;
    return true;
}

}  // namespace roost::pds

using roost::pds::HashMemory;
using roost::pds::of_this_thread;

extern "C" void* __wrap_mmap(void* address, std::size_t length, int protection, int flags, int file,
                             off_t offset) {
    const bool is_for_a_hash =
        length == HashMemory::bytes && address == nullptr && (flags & MAP_ANONYMOUS) != 0;
    if (is_for_a_hash && of_this_thread != nullptr)
        if (void* const lent = of_this_thread->lend()) return lent;
    return __real_mmap(address, length, protection, flags, file, offset);
}

extern "C" int __wrap_munmap(void* address, std::size_t length) {
    if (of_this_thread != nullptr && of_this_thread->take_back(address)) return 0;
    return __real_munmap(address, length);
}
// NOLINTEND(bugprone-reserved-identifier)
