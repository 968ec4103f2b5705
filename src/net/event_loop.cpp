#include "net/event_loop.h"

#include <time.h>

#include <boost/asio/post.hpp>

#include "base/clock.h"

namespace roost::net {

namespace {

// Work that waits in the wheel; owns itself until it has run.
class DelayedWork final : public WheelEntry {
  public:
    explicit DelayedWork(Executor::Work work) : work_(std::move(work)) {}
    void on_due(std::int64_t) override {
        Executor::Work work = std::move(work_);
        delete this;
        work();
    }
    void on_dropped() override { delete this; }

  private:
    Executor::Work work_;
};

}  // namespace

EventLoop::EventLoop() : guard_(asio::make_work_guard(io_)), wheel_(monotonic_us()), timer_(io_) {}

EventLoop::~EventLoop() = default;

void EventLoop::post(Work work) {
    asio::post(io_, std::move(work));
}

void EventLoop::post_after(std::int64_t delay_ms, Work work) {
    const std::int64_t due_us = monotonic_us() + delay_ms * 1'000;
    if (is_on_one() && &current() == this) {
        schedule(due_us, std::move(work));
        return;
    }
    asio::post(io_, [this, due_us, work = std::move(work)]() mutable {
        schedule(due_us, std::move(work));
    });
}

void EventLoop::schedule(std::int64_t due_us, Work work) {
    set_due(*new DelayedWork(std::move(work)), due_us);
}

void EventLoop::set_due(WheelEntry& entry, std::int64_t due_us) {
    if (wheel_.set(entry, due_us)) arm();
}

void EventLoop::arm() {
    const std::int64_t next_us = wheel_.next_us();
    if (next_us == WheelEntry::never) return;
    timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::microseconds(next_us)));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;  // set to another time
        wheel_.advance(monotonic_us());
        arm();
    });
}

std::string_view EventLoop::http_date() {
    const std::int64_t seconds = now().seconds();
    if (seconds != date_s_) {
        date_s_ = seconds;
        const time_t unix_s = seconds;
        tm parts{};
        gmtime_r(&unix_s, &parts);
        strftime(date_, sizeof(date_), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    }
    return date_;
}

void EventLoop::run() {
    set_current(this);
    io_.run();
    set_current(nullptr);
}

void EventLoop::stop() {
    io_.stop();
}

}  // namespace roost::net
