#include "net/websocket_connection.h"

#include <algorithm>
#include <array>
#include <exception>

#include "base/clock.h"
#include "base/log.h"
#include "net/turn.h"
#include "net/websocket_handshake.h"

namespace roost::net {

namespace {

constexpr std::uint8_t final_close = 0x88;
constexpr std::uint8_t final_ping = 0x89;
constexpr std::uint8_t final_pong = 0x8a;

// What the feed is asked for at once, and what one system call gets of it.
constexpr std::size_t fetch_bytes = 256 * 1024;
constexpr std::size_t pieces_per_send = 128;
// Copied together for TLS: a record holds 16 KiB.
constexpr std::size_t tls_output_bytes = 64 * 1024;
constexpr std::size_t input_bytes = 512;
// A control frame carries 125 bytes, two of them the code.
constexpr std::size_t reason_bytes_max = 123;

Bytes close_frame(std::uint16_t code, std::string_view reason) {
    Bytes frame;
    reason = reason.substr(0, reason_bytes_max);
    append_frame_head(frame, final_close, reason.size() + 2);
    frame.push_back(static_cast<std::uint8_t>(code >> 8));
    frame.push_back(static_cast<std::uint8_t>(code));
    append(frame, as_bytes(reason));
    return frame;
}

}  // namespace

struct WebSocketConnection::Wait {
    WebSocketConnection& of;
    bool await_ready() const { return std::exchange(of.is_woken_, false); }
    void await_suspend(std::coroutine_handle<> handle) const { of.writer_ = handle; }
    void await_resume() const { of.is_woken_ = false; }
};

struct WebSocketConnection::Ended {
    WebSocketConnection& of;
    bool await_ready() const { return of.is_writer_done_; }
    void await_suspend(std::coroutine_handle<> handle) const { of.reader_ = handle; }
    void await_resume() const {}
};

WebSocketConnection::WebSocketConnection(EventLoop& loop, const ServerLimits& limits,
                                         Stream& stream, InputBuffer& input, WebSocketFeed& feed)
    : loop_(loop),
      limits_(limits),
      stream_(stream),
      input_(input),
      feed_(feed),
      parser_({limits.websocket_message_bytes_max, limits.websocket_fragments_max}) {}

Task<void> WebSocketConnection::run() {
    heard_at_us_ = rate_since_us_ = monotonic_us();
    feed_.open(*this);
    schedule();
    start_detached(write_to_end());
    co_await read();
    co_await Ended{*this};
    loop_.set_due(*this, never);
    feed_.ended();
}

void WebSocketConnection::wake() {
    is_woken_ = true;
    resume_writer();
}

void WebSocketConnection::resume_writer() {
    is_woken_ = true;
    if (std::coroutine_handle<> writer = std::exchange(writer_, nullptr)) writer.resume();
}

void WebSocketConnection::close(CloseCode code, std::string_view reason, SharedFrame last) {
    if (is_closing_ || is_over_) return;
    is_closing_ = true;
    owes_ping_ = owes_pong_ = false;
    const std::size_t begun = front_ + (offset_ > 0 ? 1 : 0);
    queue_.resize(begun);
    if (last) queue_.push_back(std::move(last));
    queue_.push_back(
        std::make_shared<const Bytes>(close_frame(static_cast<std::uint16_t>(code), reason)));
    resume_writer();
}

void WebSocketConnection::abort() {
    if (is_over_) return;
    is_over_ = true;
    stream_.cancel();
    resume_writer();
}

// Reading.

Task<void> WebSocketConnection::read() {
    while (take_input()) {
        const auto [room, size] = input_.prepare(input_bytes);
        const IoResult got = co_await stream_.read(room, size);
        if (got.status != IoStatus::done) {
            abort();
            break;
        }
        input_.commit(got.size);
        heard_at_us_ = monotonic_us();
        if (is_flooding(got.size)) refuse(CloseCode::policy, "too much is sent");
    }
}

bool WebSocketConnection::is_flooding(std::size_t bytes) {
    if (heard_at_us_ - rate_since_us_ >= limits_.websocket_rate_ms * 1'000) {
        rate_since_us_ = heard_at_us_;
        rate_bytes_ = rate_frames_ = 0;
    }
    rate_bytes_ += bytes;
    return rate_bytes_ > limits_.websocket_rate_bytes_max ||
           rate_frames_ > limits_.websocket_rate_frames_max;
}

bool WebSocketConnection::take_input() {
    while (!is_deaf_ && !input_.is_empty()) {
        const WebSocketParser::Step step = parser_.parse(input_.view());
        input_.consume(step.consumed);
        if (step.event == WebSocketParser::Event::need_more && step.consumed == 0) break;
        if (!take(step.event)) return false;
    }
    if (is_deaf_) {
        discarded_ += input_.view().size();
        input_.consume(input_.view().size());
        if (discarded_ > limits_.linger_bytes_max) abort();
    }
    return !is_over_;
}

bool WebSocketConnection::take(WebSocketParser::Event event) {
    using Event = WebSocketParser::Event;
    if (event != Event::need_more) ++rate_frames_;
    switch (event) {
        case Event::ping: {
            const ByteView payload = parser_.control_payload();
            // If the socket is busy, the newest ping is the one that is answered.
            pong_.assign(payload.begin(), payload.end());
            owes_pong_ = !is_closing_;
            resume_writer();
            return true;
        }
        case Event::close:
            reply_to_close();
            return false;
        case Event::refused:
            refuse(static_cast<CloseCode>(parser_.close_code()), parser_.reason());
            return true;
        case Event::need_more:
        case Event::fragment:
        case Event::message:
        case Event::pong:
            return true;
    }
    return true;
}

void WebSocketConnection::refuse(CloseCode code, std::string_view reason) {
    is_deaf_ = true;
    close(code, reason);
}

// https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
void WebSocketConnection::reply_to_close() {
    close(static_cast<CloseCode>(parser_.close_code()), "");
    // Whatever keeps the writer from saying so is not worth much patience.
    if (closed_at_us_ == 0) closed_at_us_ = monotonic_us();
    schedule();
}

// Writing.

Task<void> WebSocketConnection::write_to_end() {
    co_await write();
    if (is_deaf_ && !is_over_) stream_.shutdown_send();
    // Not at once: whoever made the writer end may hold what the end of the socket destroys.
    loop_.post([this] {
        is_writer_done_ = true;
        if (std::coroutine_handle<> reader = std::exchange(reader_, nullptr)) reader.resume();
    });
}

Task<void> WebSocketConnection::write() {
    Turn turn;
    while (!is_over_) {
        if (!has_output()) {
            if (is_closing_) {
                if (closed_at_us_ == 0) closed_at_us_ = monotonic_us();
                schedule();
                co_return;
            }
            co_await fetch();
            if (has_output() || is_closing_ || is_over_) continue;
            co_await Wait{*this};
            continue;
        }
        const IoResult sent = send_some();
        if (sent.status == IoStatus::done) {
            stalled_since_us_ = 0;
            if (turn.is_over_after(sent.size)) co_await next_turn();
        } else if (sent.status == IoStatus::want_write || sent.status == IoStatus::want_read) {
            if (stalled_since_us_ == 0) {
                stalled_since_us_ = monotonic_us();
                schedule();
            }
            const IoResult ready = co_await stream_.ready(sent.status);
            if (ready.status != IoStatus::done) abort();
        } else {
            abort();
        }
    }
}

Task<void> WebSocketConnection::fetch() {
    is_woken_ = false;
    try {
        co_await feed_.next(fetched_, fetch_bytes);
    } catch (const std::exception& exception) {
        log::error("a stream failed", {{"reason", exception.what()}});
        close(CloseCode::internal_error, "");
    }
    if (!is_closing_) std::swap(queue_, fetched_);
    fetched_.clear();
}

bool WebSocketConnection::has_output() const {
    return front_ < queue_.size() || tls_offset_ < tls_output_.size() || owes_pong_ || owes_ping_;
}

void WebSocketConnection::insert(std::uint8_t first, ByteView payload) {
    Bytes frame;
    append_frame_head(frame, first, payload.size());
    append(frame, payload);
    const auto at = static_cast<std::ptrdiff_t>(front_ + (offset_ > 0 ? 1 : 0));
    queue_.insert(queue_.begin() + at, std::make_shared<const Bytes>(std::move(frame)));
}

void WebSocketConnection::insert_due() {
    if (std::exchange(owes_pong_, false)) insert(final_pong, pong_);
    if (std::exchange(owes_ping_, false)) insert(final_ping, {});
}

IoResult WebSocketConnection::send_some() {
    insert_due();
    return stream_.is_tls() ? send_tls() : send_plain();
}

void WebSocketConnection::advance(std::size_t size) {
    while (size > 0) {
        const std::size_t left = queue_[front_]->size() - offset_;
        if (size < left) {
            offset_ += size;
            return;
        }
        size -= left;
        offset_ = 0;
        queue_[front_++].reset();
    }
    if (front_ == queue_.size()) {
        queue_.clear();
        front_ = 0;
    }
}

IoResult WebSocketConnection::send_plain() {
    std::array<std::string_view, pieces_per_send> pieces;
    std::size_t count = 0;
    for (std::size_t i = front_; i < queue_.size() && count < pieces.size(); ++i)
        pieces[count++] = as_text(*queue_[i]);
    pieces[0].remove_prefix(offset_);
    const IoResult sent = stream_.try_write_many({pieces.data(), count});
    if (sent.status == IoStatus::done) advance(sent.size);
    return sent;
}

IoResult WebSocketConnection::send_tls() {
    if (tls_offset_ == tls_output_.size()) {
        tls_output_.clear();
        tls_offset_ = 0;
        while (front_ < queue_.size() && tls_output_.size() < tls_output_bytes) {
            const std::string_view piece =
                as_text(*queue_[front_]).substr(offset_, tls_output_bytes - tls_output_.size());
            tls_output_.append(piece);
            advance(piece.size());
        }
    }
    const IoResult sent = stream_.try_write(std::string_view(tls_output_).substr(tls_offset_));
    if (sent.status == IoStatus::done) tls_offset_ += sent.size;
    if (tls_offset_ == tls_output_.size() && front_ == queue_.size()) {
        tls_output_ = std::string();
        tls_offset_ = 0;
    }
    return sent;
}

// Time.

void WebSocketConnection::on_due(std::int64_t now_us) {
    if (is_over_) return;
    const auto is_past = [now_us](std::int64_t since_us, std::int64_t limit_ms) {
        return since_us != 0 && now_us - since_us >= limit_ms * 1'000;
    };
    if (is_past(stalled_since_us_, limits_.write_stall_ms) ||
        is_past(closed_at_us_, limits_.websocket_close_ms) ||
        is_past(heard_at_us_, limits_.websocket_silence_ms)) {
        abort();
        return;
    }
    if (!is_closing_ && is_past(std::max(heard_at_us_, pinged_at_us_), limits_.websocket_ping_ms)) {
        pinged_at_us_ = now_us;
        owes_ping_ = true;
        resume_writer();
    }
    schedule();
}

void WebSocketConnection::schedule() {
    std::int64_t due_us = heard_at_us_ + limits_.websocket_silence_ms * 1'000;
    if (!is_closing_)
        due_us = std::min(
            due_us, std::max(heard_at_us_, pinged_at_us_) + limits_.websocket_ping_ms * 1'000);
    if (stalled_since_us_ != 0)
        due_us = std::min(due_us, stalled_since_us_ + limits_.write_stall_ms * 1'000);
    if (closed_at_us_ != 0)
        due_us = std::min(due_us, closed_at_us_ + limits_.websocket_close_ms * 1'000);
    loop_.set_due(*this, due_us);
}

}  // namespace roost::net
