// A value that must not be printed, logged or left in memory: passwords, tokens, private keys.
//
// It has no printer and no comparison; reveal() is the one door, easy to search for. The memory is
// overwritten when the secret ends.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace roost {

void wipe(void* memory, std::size_t size);
// Takes the same time wherever the first difference is. Different lengths are simply different.
bool equal_in_constant_time(ByteView a, ByteView b);

template <class T>
class Secret {
  public:
    Secret() = default;
    explicit Secret(T value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.clear(); }
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            clear();
            value_ = other.value_;
        }
        return *this;
    }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            clear();
            value_ = std::move(other.value_);
            other.clear();
        }
        return *this;
    }
    ~Secret() { clear(); }

    const T& reveal() const { return value_; }
    bool empty() const { return value_.empty(); }

  private:
    void clear() {
        if (!value_.empty()) wipe(value_.data(), value_.size() * sizeof(*value_.data()));
        value_.clear();
    }

    T value_{};
};

using SecretText = Secret<std::string>;
using SecretBytes = Secret<Bytes>;

}  // namespace roost
