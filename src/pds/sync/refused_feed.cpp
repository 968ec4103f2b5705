#include "pds/sync/refused_feed.h"

#include "pds/sync/frames.h"

namespace roost::pds {

namespace {

class RefusedFeed final : public net::WebSocketFeed {
  public:
    explicit RefusedFeed(const Error& error)
        : name_(error.name), frame_(error_frame(error.name, error.message)) {}

    void open(net::WebSocket& socket) override {
        socket.close(net::CloseCode::policy, name_, frame_);
    }
    Task<void> next(std::vector<net::SharedFrame>&, std::size_t) override { co_return; }
    void ended() override {}

  private:
    std::string name_;
    net::SharedFrame frame_;
};

}  // namespace

std::shared_ptr<net::WebSocketFeed> refused_feed(const Error& error) {
    return std::make_shared<RefusedFeed>(error);
}

}  // namespace roost::pds
