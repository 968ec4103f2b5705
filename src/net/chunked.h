// The chunked transfer coding: decoded in place, strict and bounded, and written. Pure.
// https://www.rfc-editor.org/rfc/rfc9112#section-7.1
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace roost::net {

class ChunkedDecoder {
  public:
    enum class State { need_more, data, ended, malformed };
    struct Step {
        State state = State::need_more;
        std::string_view data;     // with State::data: a piece of the content, within the input
        std::size_t consumed = 0;  // bytes of the input that are dealt with
    };

    // Goes through the input up to the next piece of content, or to the end of either. After
    // `ended` the rest of the input belongs to the next message.
    Step next(std::string_view input);

  private:
    enum class At {
        size_start,
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_start,
        trailer,
        trailer_lf,
        last_lf,
        ended,
    };
    bool take(char c);
    bool take_size(char c);

    At at_ = At::size_start;
    std::uint64_t left_ = 0;      // of the chunk
    std::size_t line_bytes_ = 0;  // of the size line, then of all trailers
};

// What stands before the content of a chunk of that size, and behind it.
void append_chunk_start(std::string& to, std::size_t size);
inline constexpr std::string_view chunk_end = "\r\n";
// A whole chunk; an empty one is the end of the body.
void append_chunk(std::string& to, std::string_view content);

}  // namespace roost::net
