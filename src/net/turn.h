// How long one connection may hold its loop. Part of the room's inside.
#pragma once

#include <cstddef>

namespace roost::net {

// Counts what is sent to a peer that takes it as fast as it comes. Nothing is waited for then, so
// the sender has to let the loop's other connections run of its own accord:
//     if (turn.is_over_after(size)) co_await next_turn();
class Turn {
  public:
    bool is_over_after(std::size_t bytes) {
        bytes_ += bytes;
        if (bytes_ < turn_bytes) return false;
        bytes_ = 0;
        return true;
    }

  private:
    // An export makes as much in half a millisecond.
    static constexpr std::size_t turn_bytes = 128 * 1024;
    std::size_t bytes_ = 0;
};

}  // namespace roost::net
