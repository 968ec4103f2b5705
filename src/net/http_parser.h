// The head of a request: from bytes to a checked RequestHead, or to the reason for a refusal.
//
// Stricter than RFC 9112 allows a server to be, so that no proxy in front can read a request
// differently: lines end in CR LF only, no folded lines, one Host, one Authorization, one
// Content-Length of digits, Transfer-Encoding is "chunked" or absent and never beside a
// Content-Length. Pure: no I/O, no clock.
// https://www.rfc-editor.org/rfc/rfc9112
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "net/limits.h"

namespace roost::net {

// All views point into the bytes that were parsed.
struct RequestHead {
    Method method = Method::other;
    std::string_view method_text;
    std::string_view target;
    std::string_view path;
    std::string_view query;
    std::vector<Header> headers;
    std::optional<std::uint64_t> content_length;
    std::string_view content_encoding;  // empty: none
    bool is_http_1_0 = false;
    bool is_chunked = false;
    bool is_head = false;  // its method is given as get
    bool keeps_alive = false;
    bool expects_continue = false;
    std::size_t size = 0;  // of the head in bytes, with its empty line
};

struct Refusal {
    int status = 400;
    std::string_view name;
    std::string_view message;
};

class HeadParser {
  public:
    enum class State { need_more, complete, refused };

    explicit HeadParser(const ServerLimits& limits) : limits_(limits) {}

    // Forgets the last head; the next call of parse() sees a new one.
    void reset();
    // Gives back memory that a large head needed.
    void shrink();
    // `input` is the head from its start, with more bytes at the end than in the last call.
    State parse(std::string_view input);
    // After complete: the head, until reset().
    const RequestHead& head() const { return head_; }
    // After refused.
    const Refusal& refusal() const { return refusal_; }

  private:
    State refuse(int status, std::string_view name, std::string_view message);
    State scan(std::string_view input);
    bool is_line_fine(std::string_view line);
    State parse_whole(std::string_view bytes);
    bool read_request_line(std::string_view line);
    bool set_target(std::string_view target);

    const ServerLimits& limits_;
    RequestHead head_;
    Refusal refusal_;
    std::size_t head_start_ = 0;  // behind one empty line that a client may send too much
    std::size_t scanned_ = 0;     // whole lines up to here are fine
    std::size_t lines_ = 0;
    std::size_t first_line_size_ = 0;
};

}  // namespace roost::net
