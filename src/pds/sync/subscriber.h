// One subscriber of the firehose: the feed of its socket. On the thread of the socket's event loop.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/websocket.h"
#include "pds/sync/event_page.h"

namespace roost::pds {

class Firehose;

class Subscriber final : public net::WebSocketFeed {
  public:
    Subscriber(Firehose& firehose, std::optional<std::int64_t> cursor)
        : firehose_(firehose), cursor_(cursor) {}
    ~Subscriber() override;

    void open(net::WebSocket& socket) override;
    Task<void> next(std::vector<net::SharedFrame>& frames, std::size_t bytes_max) override;
    void ended() override;

    // The window has grown.
    void deliver();
    bool has_begun() const { return has_begun_; }
    std::int64_t position() const { return position_; }

  private:
    Task<void> begin(std::vector<net::SharedFrame>& frames);
    void take_from_page(std::vector<net::SharedFrame>& frames, std::size_t bytes_max);
    void refuse(std::string_view name, std::string_view message);

    Firehose& firehose_;
    const std::optional<std::int64_t> cursor_;
    net::WebSocket* socket_ = nullptr;  // while it is open
    bool has_begun_ = false;
    bool is_refused_ = false;
    bool was_up_to_date_ = false;
    std::int64_t position_ = 0;  // the last event that was given out
    EventPagePtr page_;
    std::size_t page_index_ = 0;
};

}  // namespace roost::pds
