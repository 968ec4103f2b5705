#include "net/timer_wheel.h"

#include <algorithm>

namespace roost::net {

void WheelEntry::unlink() {
    if (prev_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
}

TimerWheel::TimerWheel(std::int64_t now_us) : tick_(now_us / tick_us) {
    for (Slot& slot : slots_)
        slot.prev_ = slot.next_ = &slot;
}

TimerWheel::~TimerWheel() {
    for (Slot& slot : slots_) {
        while (slot.next_ != &slot) {
            WheelEntry& entry = *slot.next_;
            entry.unlink();
            entry.on_dropped();
        }
        slot.prev_ = slot.next_ = nullptr;
    }
}

bool TimerWheel::set(WheelEntry& entry, std::int64_t due_us) {
    entry.due_us_ = due_us;
    if (due_us == WheelEntry::never) return false;
    if (entry.prev_ != nullptr) {
        if (due_us / tick_us + 1 >= entry.tick_) return false;
        entry.unlink();
    }
    return place(entry);
}

bool TimerWheel::place(WheelEntry& entry) {
    const std::int64_t wanted = entry.due_us_ / tick_us + 1;
    entry.tick_ = std::clamp(wanted, tick_ + 1, tick_ + slots_count - 1);
    Slot& slot = slots_[static_cast<std::size_t>(entry.tick_ % slots_count)];
    entry.next_ = &slot;
    entry.prev_ = slot.prev_;
    slot.prev_->next_ = &entry;
    slot.prev_ = &entry;
    if (entry.tick_ >= next_tick_) return false;
    next_tick_ = entry.tick_;
    return true;
}

void TimerWheel::advance(std::int64_t now_us) {
    const std::int64_t now_tick = now_us / tick_us;
    // After a long pause every slot is visited once.
    std::int64_t tick = std::max(tick_ + 1, now_tick - slots_count + 1);
    for (; tick <= now_tick; ++tick) {
        tick_ = tick;
        visit(slots_[static_cast<std::size_t>(tick % slots_count)], now_us);
    }
    next_tick_ = WheelEntry::never;
}

void TimerWheel::visit(Slot& slot, std::int64_t now_us) {
    if (slot.next_ == &slot) return;
    // The entries move to a list of their own: on_due() may set or destroy any of them.
    Slot visited;
    visited.next_ = slot.next_;
    visited.prev_ = slot.prev_;
    visited.next_->prev_ = &visited;
    visited.prev_->next_ = &visited;
    slot.next_ = slot.prev_ = &slot;
    while (visited.next_ != &visited) {
        WheelEntry& entry = *visited.next_;
        entry.unlink();
        if (entry.due_us_ == WheelEntry::never) continue;
        if (entry.due_us_ > now_us) {
            place(entry);
            continue;
        }
        entry.due_us_ = WheelEntry::never;
        entry.on_due(now_us);
    }
    visited.prev_ = visited.next_ = nullptr;
}

std::int64_t TimerWheel::next_us() {
    if (next_tick_ == WheelEntry::never) {
        for (std::int64_t tick = tick_ + 1; tick < tick_ + slots_count; ++tick) {
            const Slot& slot = slots_[static_cast<std::size_t>(tick % slots_count)];
            if (slot.next_ != &slot) {
                next_tick_ = tick;
                break;
            }
        }
    }
    return next_tick_ == WheelEntry::never ? WheelEntry::never : next_tick_ * tick_us;
}

}  // namespace roost::net
