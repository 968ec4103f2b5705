// The newest events as frames, in order: what all subscribers that keep up are served from.
//
// It holds every committed event after floor(), up to newest(), so whoever has seen an event within
// it can go on without the database. The oldest leave when it is full. Not for several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "net/websocket.h"

namespace roost::pds {

struct FramedEvent {
    std::int64_t seq;
    net::SharedFrame frame;
};

class EventWindow {
  public:
    explicit EventWindow(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    // Forgets all; the next event is the first one after that number.
    void start_after(std::int64_t seq);
    // Later than all others. The newest stays, however large it is.
    void append(FramedEvent event);

    std::int64_t floor() const { return floor_; }
    std::int64_t newest() const { return newest_; }
    // Is every event after that number here?
    bool reaches(std::int64_t seq) const { return seq >= floor_; }

    // The frames after that number, about bytes_max of them. Returns the number of the last one, or
    // `seq` if there is none. It must reach there.
    std::int64_t copy_after(std::int64_t seq, std::size_t bytes_max,
                            std::vector<net::SharedFrame>& to) const;
    // What has come after that number; of what is no longer here, what is.
    struct Lag {
        std::size_t events;
        std::size_t bytes;
    };
    Lag lag_after(std::int64_t seq) const;

  private:
    struct Entry {
        std::int64_t seq;
        net::SharedFrame frame;
        std::uint64_t end;  // bytes of all events up to this one, since the start
    };
    std::size_t index_after(std::int64_t seq) const;

    const std::size_t bytes_max_;
    std::deque<Entry> entries_;
    std::int64_t floor_ = 0;
    std::int64_t newest_ = 0;
    std::uint64_t begin_bytes_ = 0;
    std::uint64_t end_bytes_ = 0;
};

}  // namespace roost::pds
