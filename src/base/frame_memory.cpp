#include "base/frame_memory.h"

#include <sanitizer/asan_interface.h>

#include <array>
#include <new>

namespace roost {

namespace {

// Sizes are rounded up to steps, so that frames of nearly one size share. Few are above 4 KiB.
constexpr std::size_t step_bytes = 64;
constexpr std::size_t steps_max = 64;
// Per thread: as much as fifty requests need that are answered at the same time.
constexpr std::size_t kept_bytes_max = 512 * 1024;

constexpr std::size_t steps_of(std::size_t size) {
    return (size + step_bytes - 1) / step_bytes;
}

struct Spare {
    Spare* next;
};

class Spares {
  public:
    constexpr Spares() = default;
    Spares(const Spares&) = delete;
    Spares& operator=(const Spares&) = delete;
    ~Spares() {
        for (std::size_t steps = 0; steps <= steps_max; ++steps)
            while (void* const spare = take(steps))
                ::operator delete(spare);
    }

    // Null if there is none.
    void* take(std::size_t steps) {
        Spare* const spare = first_[steps];
        if (spare == nullptr) return nullptr;
        ASAN_UNPOISON_MEMORY_REGION(spare, steps * step_bytes);
        first_[steps] = spare->next;
        kept_bytes_ -= steps * step_bytes;
        return spare;
    }
    // False if that would be too much.
    bool keep(void* memory, std::size_t steps) {
        if (kept_bytes_ + steps * step_bytes > kept_bytes_max) return false;
        first_[steps] = new (memory) Spare{first_[steps]};
        kept_bytes_ += steps * step_bytes;
        ASAN_POISON_MEMORY_REGION(memory, steps * step_bytes);
        return true;
    }

  private:
    std::array<Spare*, steps_max + 1> first_{};
    std::size_t kept_bytes_ = 0;
};

thread_local Spares spares;

}  // namespace

void* take_frame(std::size_t size) {
    const std::size_t steps = steps_of(size);
    if (steps > steps_max) return ::operator new(size);
    if (void* const spare = spares.take(steps)) return spare;
    return ::operator new(steps * step_bytes);
}

void give_back_frame(void* frame, std::size_t size) noexcept {
    const std::size_t steps = steps_of(size);
    if (steps > steps_max || !spares.keep(frame, steps)) ::operator delete(frame);
}

}  // namespace roost
