// The body of the request that a connection is answering, read on demand. Part of the room's
// inside.
#pragma once

#include "net/chunked.h"
#include "net/http.h"
#include "net/http_parser.h"
#include "net/input_buffer.h"
#include "net/stream.h"

namespace roost::net {

class RequestBody final : public Body {
  public:
    // `input` holds what was read behind the head. `deadline` is set while the peer has to send.
    RequestBody(EventLoop& loop, const ServerLimits& limits, Stream& stream, InputBuffer& input,
                WheelEntry& deadline)
        : loop_(loop), limits_(limits), stream_(stream), input_(input), deadline_(deadline) {}

    // A new request, whose head is taken out of the input.
    void start(const RequestHead& head);
    // After it: what follows it goes back to the input, memory is let go.
    void end();

    std::optional<std::uint64_t> declared_size() const override { return declared_; }
    Task<Result<std::string_view>> read_some() override;
    Task<Result<std::string>> read_all(std::size_t max_bytes) override;

    bool is_complete() const { return is_complete_; }
    // Reads the rest and throws it away. False if that is not worth it: the connection must close.
    Task<bool> drain();
    // Can the connection serve another request, as far as it is known?
    bool can_drain() const;

  private:
    enum class Kind { sized, chunked };

    // The next piece out of what has been read; empty if there is none.
    std::string_view take_buffered();
    Task<bool> fetch();
    Error failure() const;
    void set_deadline();

    EventLoop& loop_;
    const ServerLimits& limits_;
    Stream& stream_;
    InputBuffer& input_;
    WheelEntry& deadline_;

    InputBuffer more_;  // read after the input was used up
    Kind kind_ = Kind::sized;
    std::optional<std::uint64_t> declared_;
    std::uint64_t left_ = 0;  // of a sized body
    ChunkedDecoder decoder_;
    std::string_view encoding_;
    bool is_complete_ = true;
    bool is_malformed_ = false;
    bool is_cut_off_ = false;
    bool owes_continue_ = false;
    std::int64_t waited_us_ = 0;  // for the peer, in all
    std::int64_t bytes_received_ = 0;
};

}  // namespace roost::net
