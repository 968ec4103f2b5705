// An operation that is accepted makes a DID, and its own JSON is accepted again as the same.
#include "atproto/data/json.h"
#include "atproto/plc/operation.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace json = roost::atproto::json;
    using roost::atproto::plc::Operation;
    auto value = json::parse(roost::as_text({data, size}));
    if (!value) return 0;
    const auto operation = Operation::parse(*value);
    if (!operation) return 0;
    const auto again = Operation::parse(json::parse(json::write(operation->value())).value());
    roost::check(again.has_value() && again->cid() == operation->cid(), "it is the same again");
    roost::check(operation->make_did() == again->make_did(), "it makes the same DID");
    if (operation->kind() != roost::atproto::plc::Kind::tombstone)
        static_cast<void>(operation->find_signer(operation->state().rotation_keys));
    return 0;
}
