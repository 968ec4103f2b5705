#include "answer.h"

#include <charconv>

#include "net/ascii.h"

namespace roost::load {

namespace {

constexpr std::size_t head_bytes_max = 64 * 1024;
// Answers whose fields are read are a few kilobytes; of the others an error's start is enough.
constexpr std::size_t body_bytes_kept = 64 * 1024;

bool read_number(std::string_view text, std::size_t& number, int base) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc() && end != text.data();
}

}  // namespace

void Answer::reset() {
    stage_ = Stage::head;
    line_.clear();
    body_.clear();
    left_ = 0;
    status_ = 0;
    is_chunked_ = false;
    is_last_ = false;
}

Answer::Progress Answer::feed(std::string_view bytes) {
    if (stage_ != Stage::head)
        return stage_ == Stage::sized_body ? feed_sized(bytes) : feed_chunked(bytes);
    line_.append(bytes);
    const std::size_t end = line_.find("\r\n\r\n");
    if (end == std::string::npos)
        return line_.size() > head_bytes_max ? Progress::broken : Progress::more;
    std::string rest = line_.substr(end + 4);
    line_.resize(end + 2);
    const Progress progress = read_head();
    line_.clear();
    if (progress == Progress::broken) return progress;
    return is_chunked_ ? feed_chunked(rest) : feed_sized(rest);
}

// "HTTP/1.1 200 OK", then a line for each field.
Answer::Progress Answer::read_head() {
    const std::string_view head = line_;
    std::size_t code = 0;
    if (!head.starts_with("HTTP/1.") || head.size() < 12) return Progress::broken;
    if (!read_number(head.substr(9, 3), code, 10)) return Progress::broken;
    status_ = static_cast<int>(code);
    for (std::size_t start = head.find("\r\n") + 2; start < head.size();) {
        const std::size_t end = head.find("\r\n", start);
        if (!read_field(head.substr(start, end - start))) return Progress::broken;
        start = end + 2;
    }
    stage_ = is_chunked_ ? Stage::chunk_size : Stage::sized_body;
    return Progress::more;
}

bool Answer::read_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' '))
        value.remove_prefix(1);
    if (net::equals_lower_case(name, "content-length")) return read_number(value, left_, 10);
    if (net::equals_lower_case(name, "transfer-encoding"))
        is_chunked_ = net::equals_lower_case(value, "chunked");
    else if (net::equals_lower_case(name, "connection"))
        is_last_ = net::equals_lower_case(value, "close");
    return true;
}

Answer::Progress Answer::feed_sized(std::string_view bytes) {
    if (bytes.size() > left_) return Progress::broken;
    keep(bytes);
    left_ -= bytes.size();
    return left_ == 0 ? Progress::whole : Progress::more;
}

Answer::Progress Answer::feed_chunked(std::string_view bytes) {
    while (!bytes.empty()) {
        if (stage_ == Stage::chunk) {
            const std::string_view part = bytes.substr(0, left_);
            keep(part);
            left_ -= part.size();
            bytes.remove_prefix(part.size());
            if (left_ == 0) stage_ = Stage::chunk_end;
            continue;
        }
        const std::size_t end = bytes.find('\n');
        line_.append(bytes.substr(0, end));
        if (line_.size() > head_bytes_max) return Progress::broken;
        if (end == std::string_view::npos) return Progress::more;
        bytes.remove_prefix(end + 1);
        if (line_.ends_with('\r')) line_.pop_back();
        const Progress progress = take_line(line_);
        line_.clear();
        if (progress == Progress::whole) return bytes.empty() ? progress : Progress::broken;
        if (progress == Progress::broken) return progress;
    }
    return Progress::more;
}

// A line of a chunked body: a size, the empty end of a chunk, or a trailer.
Answer::Progress Answer::take_line(std::string_view line) {
    switch (stage_) {
        case Stage::chunk_size:
            if (!read_number(line, left_, 16)) return Progress::broken;
            stage_ = left_ == 0 ? Stage::trailer : Stage::chunk;
            return Progress::more;
        case Stage::chunk_end:
            stage_ = Stage::chunk_size;
            return line.empty() ? Progress::more : Progress::broken;
        case Stage::trailer:
            return line.empty() ? Progress::whole : Progress::more;
        default:
            return Progress::broken;
    }
}

void Answer::keep(std::string_view bytes) {
    if (body_.size() < body_bytes_kept)
        body_.append(bytes.substr(0, body_bytes_kept - body_.size()));
}

}  // namespace roost::load
