// A connection's bytes: heads and chunked bodies. The first byte says how the rest is cut into
// pieces, and the verdict must not depend on it.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "net/chunked.h"
#include "net/http_parser.h"

namespace {

using namespace roost;
using State = net::HeadParser::State;

void check_within(std::string_view part, std::string_view whole) {
    if (part.empty()) return;
    check(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size(),
          "a view points into the input");
    check(part.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
          "no line break gets through");
}

void check_head(const net::RequestHead& head, std::string_view input) {
    check(head.size <= input.size(), "the head is a part of the input");
    check(input.substr(0, head.size).ends_with("\r\n\r\n"), "the head ends in an empty line");
    for (const std::string_view part : {head.method_text, head.target, head.query})
        check_within(part, input);
    int lengths = 0;
    for (const net::Header& header : head.headers) {
        check_within(header.name, input);
        check_within(header.value, input);
        if (header.name.size() == 14 && (header.name[0] | 32) == 'c' && header.name[7] == '-')
            ++lengths;
    }
    check(!(head.is_chunked && head.content_length), "there is one framing");
    check(!head.content_length || lengths >= 1, "a length was sent");
}

struct Content {
    net::ChunkedDecoder::State state = net::ChunkedDecoder::State::need_more;
    std::string bytes;
    std::size_t consumed = 0;
};

Content decode(std::string_view input, std::size_t piece_size) {
    net::ChunkedDecoder decoder;
    Content content;
    std::size_t end = 0;
    while (end < input.size()) {
        end = std::min(input.size(), end + piece_size);
        while (content.consumed < end) {
            const auto step = decoder.next(input.substr(content.consumed, end - content.consumed));
            content.state = step.state;
            content.consumed += step.consumed;
            content.bytes += step.data;
            check(content.consumed <= end, "no more is consumed than was there");
            if (step.state == net::ChunkedDecoder::State::malformed) return content;
            if (step.state == net::ChunkedDecoder::State::ended) return content;
        }
    }
    return content;
}

void check_content(std::string_view input, std::size_t piece_size) {
    const Content whole = decode(input, input.size());
    const Content pieces = decode(input, piece_size);
    const auto has_ended = [](const Content& content) {
        return content.state == net::ChunkedDecoder::State::ended;
    };
    const auto is_malformed = [](const Content& content) {
        return content.state == net::ChunkedDecoder::State::malformed;
    };
    check(whole.bytes == pieces.bytes, "the same content");
    check(is_malformed(whole) == is_malformed(pieces), "the same verdict");
    if (has_ended(whole) && has_ended(pieces))
        check(whole.consumed == pieces.consumed, "the same end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t piece_size = data[0] % 64 + 1u;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const net::ServerLimits limits;

    net::HeadParser whole(limits);
    const State expected = whole.parse(input);
    net::HeadParser pieces(limits);
    State state = State::need_more;
    for (std::size_t end = 0; state == State::need_more && end < input.size();) {
        end = std::min(input.size(), end + piece_size);
        state = pieces.parse(input.substr(0, end));
    }
    check(state == expected, "the same verdict");
    check(whole.refusal().message == pieces.refusal().message, "the same reason");
    if (state == State::complete) {
        check(whole.head().size == pieces.head().size, "the same end");
        check_head(pieces.head(), input);
        if (pieces.head().is_chunked) check_content(input.substr(pieces.head().size), piece_size);
    }
    return 0;
}
