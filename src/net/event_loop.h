// One I/O thread: an Executor on top of an Asio context. Part of the room's inside: other rooms see
// it as an Executor only.
//
// Everything but post(), post_after() and stop() is for the loop's own thread (or for the time
// before it runs).
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <string_view>

#include "base/executor.h"
#include "net/timer_wheel.h"

namespace roost::net {

namespace asio = boost::asio;
using LoopExecutor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, LoopExecutor>;

class EventLoop final : public Executor {
  public:
    EventLoop();
    ~EventLoop() override;

    void post(Work work) override;
    void post_after(std::int64_t delay_ms, Work work) override;

    asio::io_context& io() { return io_; }
    // The entry's on_due() is called on this thread, at that time of monotonic_us() or up to some
    // tens of milliseconds later.
    void set_due(WheelEntry& entry, std::int64_t due_us);
    // "Sun, 06 Nov 1994 08:49:37 GMT" of this second.
    std::string_view http_date();

    // Serves until stop(), on the calling thread.
    void run();
    void stop();

  private:
    using Timer =
        asio::basic_waitable_timer<std::chrono::steady_clock,
                                   asio::wait_traits<std::chrono::steady_clock>, LoopExecutor>;
    void schedule(std::int64_t due_us, Work work);
    void arm();

    // Sockets and timers belong to the loop's thread alone, so Asio need not lock them; it does
    // lock what is posted.
    asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    asio::executor_work_guard<LoopExecutor> guard_;
    TimerWheel wheel_;
    Timer timer_;
    std::int64_t date_s_ = -1;
    char date_[32] = {};
};

}  // namespace roost::net
