#include "net/chunked.h"

#include <algorithm>
#include <charconv>

#include "net/ascii.h"
#include "net/limits.h"

namespace roost::net {

namespace {

// 2^56 bytes are no body, and leave room against overflow.
constexpr std::uint64_t chunk_size_max = std::uint64_t{1} << 56;

bool is_text(char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 127);
}

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) {
    std::size_t i = 0;
    while (true) {
        if (at_ == At::ended) return {State::ended, {}, i};
        if (i == input.size()) return {State::need_more, {}, i};
        if (at_ == At::data) {
            const auto take_bytes =
                static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - i));
            left_ -= take_bytes;
            if (left_ == 0) at_ = At::data_cr;
            return {State::data, input.substr(i, take_bytes), i + take_bytes};
        }
        if (!take(input[i])) return {State::malformed, {}, i};
        ++i;
    }
}

bool ChunkedDecoder::take_size(char c) {
    const char lower = to_lower(c);
    const bool is_letter = lower >= 'a' && lower <= 'f';
    if (is_digit(c) || is_letter) {
        if (left_ >= chunk_size_max / 16 || ++line_bytes_ > 16) return false;
        left_ = left_ * 16 + static_cast<std::uint64_t>(is_letter ? lower - 'a' + 10 : c - '0');
        at_ = At::size;
        return true;
    }
    if (at_ == At::size_start) return false;
    if (c != ';' && c != '\r') return false;
    at_ = c == ';' ? At::extension : At::size_lf;
    return true;
}

bool ChunkedDecoder::take(char c) {
    switch (at_) {
        case At::size_start:
        case At::size:
            return take_size(c);
        case At::extension:
            if (c == '\r') {
                at_ = At::size_lf;
                return true;
            }
            return is_text(c) && ++line_bytes_ <= chunk_extension_bytes_max;
        case At::size_lf:
            at_ = left_ > 0 ? At::data : At::trailer_start;
            line_bytes_ = 0;
            return c == '\n';
        case At::data_cr:
            at_ = At::data_lf;
            return c == '\r';
        case At::data_lf:
            at_ = At::size_start;
            line_bytes_ = 0;
            return c == '\n';
        case At::trailer_start:
            if (c == '\r') {
                at_ = At::last_lf;
                return true;
            }
            at_ = At::trailer;
            return is_token_char(c) && ++line_bytes_ <= trailer_bytes_max;
        case At::trailer:
            if (c == '\r') {
                at_ = At::trailer_lf;
                return true;
            }
            return is_text(c) && ++line_bytes_ <= trailer_bytes_max;
        case At::trailer_lf:
            at_ = At::trailer_start;
            return c == '\n';
        case At::last_lf:
            at_ = At::ended;
            return c == '\n';
        case At::data:
        case At::ended:
            break;
    }
    return false;
}

void append_chunk_start(std::string& to, std::size_t size) {
    char digits[2 * sizeof(size)];
    const auto end = std::to_chars(digits, digits + sizeof(digits), size, 16);
    to.append(digits, end.ptr).append("\r\n");
}

void append_chunk(std::string& to, std::string_view content) {
    append_chunk_start(to, content.size());
    to.append(content).append(chunk_end);
}

}  // namespace roost::net
