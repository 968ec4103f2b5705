// A node that is accepted is written the same again.
#include <algorithm>

#include "atproto/mst/node.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace mst = roost::atproto::mst;
    const roost::ByteView bytes(data, size);
    if (const auto node = mst::decode_node(bytes))
        roost::check(std::ranges::equal(mst::encode_node(*node), bytes), "the bytes are the same");
    return 0;
}
