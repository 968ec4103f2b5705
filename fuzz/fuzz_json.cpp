// What the parser accepts survives being written and parsed again, and so it does as CBOR.
#include "atproto/data/cbor.h"
#include "atproto/data/json.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace roost::atproto;
    auto value = json::parse(roost::as_text({data, size}));
    if (!value) return 0;
    const std::string written = json::write(*value);
    auto again = json::parse(written);
    roost::check(again.has_value(), "what we write is JSON of the data model");
    roost::check(*again == *value, "and has the same meaning");
    roost::check(json::write(*again) == written, "and is written the same");
    auto from_cbor = cbor::decode(cbor::encode(*value));
    roost::check(from_cbor && *from_cbor == *value, "the CBOR has the same meaning");
    return 0;
}
