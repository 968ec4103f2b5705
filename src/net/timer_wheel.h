// Coarse timers for many sockets: setting one is a store, and nothing is done for those that are
// moved on before they are due.
//
// Time is cut into ticks; a ring of slots holds the entries of the ticks to come. An entry that is
// set to a later time stays where it is, and is placed anew when its slot comes by. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

namespace roost::net {

class TimerWheel;

class WheelEntry {
  public:
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    WheelEntry() = default;
    WheelEntry(const WheelEntry&) = delete;
    WheelEntry& operator=(const WheelEntry&) = delete;
    virtual ~WheelEntry() { unlink(); }

    // The time is over. The entry is out of the wheel; it may be set again, or destroyed.
    virtual void on_due(std::int64_t now_us) = 0;
    // The wheel ends while the entry is in it.
    virtual void on_dropped() {}
    std::int64_t due_us() const { return due_us_; }

  private:
    friend class TimerWheel;
    void unlink();

    std::int64_t due_us_ = never;
    std::int64_t tick_ = 0;
    WheelEntry* prev_ = nullptr;  // null: not in the wheel
    WheelEntry* next_ = nullptr;
};

class TimerWheel {
  public:
    static constexpr std::int64_t tick_us = 20'000;

    explicit TimerWheel(std::int64_t now_us);
    // Entries that are left are told, not destroyed.
    ~TimerWheel();
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    // Returns true if the wheel has to be looked at earlier than before the call.
    bool set(WheelEntry& entry, std::int64_t due_us);
    // Calls on_due() of all entries that are due.
    void advance(std::int64_t now_us);
    // When advance() has something to do next; `never` if the wheel is empty.
    std::int64_t next_us();

  private:
    static constexpr std::int64_t slots_count = 1'024;

    struct Slot final : WheelEntry {
        void on_due(std::int64_t) override {}
    };
    bool place(WheelEntry& entry);
    void visit(Slot& slot, std::int64_t now_us);

    std::array<Slot, slots_count> slots_;
    std::int64_t tick_;  // all ticks up to this one have been visited
    std::int64_t next_tick_ = WheelEntry::never;
};

}  // namespace roost::net
