#include "net/body.h"

#include <algorithm>

#include "base/clock.h"
#include "net/ascii.h"
#include "net/inflate.h"

namespace roost::net {

void RequestBody::start(const RequestHead& head) {
    kind_ = head.is_chunked ? Kind::chunked : Kind::sized;
    declared_.reset();
    if (!head.is_chunked) declared_ = head.content_length.value_or(0);
    left_ = declared_.value_or(0);
    is_complete_ = !head.is_chunked && left_ == 0;
    is_malformed_ = is_cut_off_ = false;
    // Who sends the body at once does not wait for it.
    owes_continue_ =
        head.expects_continue && !head.is_http_1_0 && !is_complete_ && input_.is_empty();
    if (head.is_chunked) decoder_ = ChunkedDecoder();
    encoding_ = head.content_encoding;
    waited_us_ = bytes_received_ = 0;
}

void RequestBody::end() {
    if (more_.capacity() == 0) return;
    if (!more_.is_empty()) input_ = std::move(more_);
    more_.release();
}

std::string_view RequestBody::take_buffered() {
    InputBuffer& source = input_.is_empty() ? more_ : input_;
    while (!source.is_empty() && !is_complete_ && !is_malformed_) {
        if (kind_ == Kind::sized) {
            const std::string_view piece = source.view().substr(0, left_);
            source.consume(piece.size());
            left_ -= piece.size();
            is_complete_ = left_ == 0;
            return piece;
        }
        const ChunkedDecoder::Step step = decoder_.next(source.view());
        source.consume(step.consumed);
        is_complete_ = step.state == ChunkedDecoder::State::ended;
        is_malformed_ = step.state == ChunkedDecoder::State::malformed;
        if (step.state == ChunkedDecoder::State::data) return step.data;
    }
    return {};
}

// Late is who sends nothing for a while, and who has sent too little for the time it took in all.
void RequestBody::set_deadline() {
    const std::int64_t grace_us = limits_.body_rate_grace_ms * 1'000;
    const std::int64_t earned_us = bytes_received_ * 1'000'000 / limits_.body_bytes_per_s_min;
    const std::int64_t rate_us = std::max(grace_us, earned_us) - waited_us_;
    const std::int64_t left_us = std::min(limits_.body_stall_ms * 1'000, rate_us);
    loop_.set_due(deadline_, monotonic_us() + std::max<std::int64_t>(left_us, 0));
}

Task<bool> RequestBody::fetch() {
    if (owes_continue_) {
        owes_continue_ = false;
        std::string_view interim = "HTTP/1.1 100 Continue\r\n\r\n";
        set_deadline();
        while (!interim.empty()) {
            const IoResult sent = co_await stream_.write(interim);
            if (sent.status != IoStatus::done) {
                is_cut_off_ = true;
                co_return false;
            }
            interim.remove_prefix(sent.size);
        }
    }
    const bool is_large =
        bytes_received_ >= static_cast<std::int64_t>(limits_.large_body_buffer_bytes);
    const auto [room, room_size] =
        more_.prepare(is_large ? limits_.large_body_buffer_bytes : limits_.body_buffer_bytes);
    const std::size_t size =
        kind_ == Kind::sized ? static_cast<std::size_t>(std::min<std::uint64_t>(room_size, left_))
                             : room_size;
    const std::int64_t start_us = monotonic_us();
    set_deadline();
    const IoResult got = co_await stream_.read(room, size);
    loop_.set_due(deadline_, WheelEntry::never);
    waited_us_ += monotonic_us() - start_us;
    if (got.status != IoStatus::done) {
        is_cut_off_ = true;
        co_return false;
    }
    bytes_received_ += static_cast<std::int64_t>(got.size);
    more_.commit(got.size);
    co_return true;
}

Error RequestBody::failure() const {
    if (is_malformed_) return Error::invalid("The chunked body is malformed.");
    return Error::invalid("The request body did not arrive in whole and in time.");
}

Task<Result<std::string_view>> RequestBody::read_some() {
    while (true) {
        const std::string_view piece = take_buffered();
        if (!piece.empty()) co_return piece;
        if (is_malformed_ || is_cut_off_) co_return failure();
        if (is_complete_) co_return std::string_view();
        if (!co_await fetch()) co_return failure();
    }
}

Task<Result<std::string>> RequestBody::read_all(std::size_t max_bytes) {
    // simdjson reads up to 64 bytes behind its input.
    constexpr std::size_t slack = 64;
    std::optional<Inflater> inflater;
    if (!encoding_.empty() && !equals_lower_case(encoding_, "identity"))
        inflater = CO_TRY(Inflater::make(encoding_));
    std::string all;
    if (!inflater && declared_) {
        if (*declared_ > max_bytes) co_return body_too_large(max_bytes);
        all.reserve(static_cast<std::size_t>(*declared_) + slack);
    }
    while (true) {
        std::string_view piece = take_buffered();  // mostly all of it, without another coroutine
        if (piece.empty()) piece = CO_TRY(co_await read_some());
        if (piece.empty()) break;
        if (inflater) {
            CO_TRY(inflater->append(piece, all, max_bytes));
            continue;
        }
        if (piece.size() > max_bytes - all.size()) co_return body_too_large(max_bytes);
        all.append(piece);
    }
    if (inflater && (declared_.value_or(1) > 0)) CO_TRY(inflater->finish());
    co_return all;
}

bool RequestBody::can_drain() const {
    return is_complete_ ||
           (!is_malformed_ && !is_cut_off_ && !owes_continue_ && left_ <= limits_.drain_bytes_max);
}

Task<bool> RequestBody::drain() {
    std::size_t drained = 0;
    while (!is_complete_) {
        if (!can_drain() || drained > limits_.drain_bytes_max) co_return false;
        const std::string_view piece = take_buffered();
        drained += piece.size();
        if (piece.empty() && !is_complete_ && !is_malformed_ && !co_await fetch()) co_return false;
    }
    co_return true;
}

}  // namespace roost::net
