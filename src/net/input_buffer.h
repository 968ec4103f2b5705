// Bytes read from a socket and not dealt with yet, in one piece of memory.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace roost::net {

class InputBuffer {
  public:
    std::string_view view() const { return {memory_.get() + begin_, end_ - begin_}; }
    bool is_empty() const { return begin_ == end_; }
    std::size_t capacity() const { return capacity_; }

    // Bytes at the front are dealt with; views of them stay valid until prepare() or release().
    void consume(std::size_t size) { begin_ += size; }

    // Room behind the bytes: moves them to the start of the memory, or to more of it if it is full.
    // At most half of a grown buffer is empty.
    std::pair<char*, std::size_t> prepare(std::size_t capacity_min) {
        const std::size_t size = end_ - begin_;
        const std::size_t wanted = size < capacity_ ? capacity_ : capacity_ * 2;
        if (const std::size_t capacity = wanted < capacity_min ? capacity_min : wanted;
            capacity > capacity_) {
            auto memory = std::make_unique_for_overwrite<char[]>(capacity);
            if (size > 0) std::memcpy(memory.get(), memory_.get() + begin_, size);
            memory_ = std::move(memory);
            capacity_ = capacity;
        } else if (begin_ > 0 && size > 0) {
            std::memmove(memory_.get(), memory_.get() + begin_, size);
        }
        begin_ = 0;
        end_ = size;
        return {memory_.get() + end_, capacity_ - end_};
    }
    void commit(std::size_t size) { end_ += size; }

    void release() { *this = InputBuffer(); }

    InputBuffer() = default;
    InputBuffer(InputBuffer&& other) noexcept { *this = std::move(other); }
    InputBuffer& operator=(InputBuffer&& other) noexcept {
        memory_ = std::move(other.memory_);
        capacity_ = std::exchange(other.capacity_, 0);
        begin_ = std::exchange(other.begin_, 0);
        end_ = std::exchange(other.end_, 0);
        return *this;
    }

  private:
    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace roost::net
