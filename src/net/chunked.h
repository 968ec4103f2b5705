// The chunked transfer coding, decoded in place: strict, bounded, pure.
// https://www.rfc-editor.org/rfc/rfc9112#section-7.1
#pragma once

#include <cstdint>
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

}  // namespace roost::net
