// The string between the database, which is opened first, and those who wait for events.
//
// raise() is called on the writer thread after each commit with events; what is connected runs
// there, and must be quick.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace roost::pds {

class EventSignal {
  public:
    // What it uses must outlive the database.
    void connect(std::function<void()> listener) {
        const std::lock_guard lock(mutex_);
        listeners_.push_back(std::move(listener));
    }
    void raise() {
        const std::lock_guard lock(mutex_);
        for (const auto& listener : listeners_)
            listener();
    }

  private:
    std::mutex mutex_;
    std::vector<std::function<void()>> listeners_;
};

}  // namespace roost::pds
