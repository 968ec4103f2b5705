// A CID that is accepted, as text or as bytes, is written the same again.
#include <algorithm>

#include "atproto/data/cid.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using roost::atproto::Cid;
    const roost::ByteView input(data, size);
    const std::string_view text = roost::as_text(input);
    const bool is_syntax = Cid::is_cid_syntax(text);
    if (auto cid = Cid::parse(text)) {
        roost::check(is_syntax, "our CIDs are CIDs");
        roost::check(cid->text() == text, "the text is the same");
        roost::check(Cid::from_binary(cid->binary()).value() == *cid, "the bytes are the same CID");
    }
    if (auto cid = Cid::from_binary(input)) {
        roost::check(std::ranges::equal(cid->binary(), input), "the bytes are the same");
        roost::check(Cid::parse(cid->text()).value() == *cid, "the text is the same CID");
    }
    return 0;
}
