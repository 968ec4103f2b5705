// The type of a blob, from its first bytes and from a header: what comes out can stand in a header.
#include <algorithm>

#include "base/check.h"
#include "pds/blobs/media_type.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace roost;
    const ByteView bytes(data, size);
    const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
    if (const auto type = pds::parse_media_type(as_text(bytes))) {
        check(std::ranges::all_of(*type, is_printable), "a media type is printable");
        check(pds::parse_media_type(*type) == type, "a media type is its own form");
    }
    if (const auto type = pds::sniff_media_type(bytes))
        check(std::ranges::all_of(*type, is_printable), "a media type is printable");
    return 0;
}
