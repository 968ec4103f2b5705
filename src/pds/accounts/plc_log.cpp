#include "pds/accounts/plc_log.h"

#include <algorithm>

#include "atproto/data/json.h"
#include "pds/error_names.h"

namespace roost::pds::plc_log {

namespace plc = atproto::plc;

Task<Result<plc::Operation>> last_of(PlcClient& directory, atproto::Did did) {
    if (did.method() != "plc")
        co_return refusal(
            did.text() + " is not in the PLC directory: its method is " + std::string(did.method()),
            error_names::UnresolvableDid);
    std::optional<plc::Operation> last = CO_TRY(co_await directory.last_operation(did));
    if (!last)
        co_return refusal("The PLC directory does not know " + did.text(),
                          error_names::UnresolvableDid);
    if (last->kind() == plc::Kind::tombstone) co_return Error::invalid("Did is tombstoned");
    co_return *std::move(last);
}

Result<void> check_signable(const plc::Operation& last, const atproto::PublicKey& key) {
    const std::vector<std::string>& keys = last.state().rotation_keys;
    if (std::ranges::find(keys, key.did_key()) != keys.end()) return {};
    return Error::invalid(
        "This server's rotation key is not among the rotation keys of the identity, so it cannot "
        "sign an operation for it");
}

Task<Result<Taken>> submit(PlcClient& directory, atproto::Did did, plc::Operation operation) {
    const PlcClient::Submission submission =
        co_await directory.submit(did, atproto::json::write(operation.value()));
    switch (submission.outcome) {
        case PlcClient::Outcome::accepted:
            co_return Taken::yes;
        case PlcClient::Outcome::refused:
            co_return Error::invalid("The PLC directory refused the operation: " +
                                     submission.message);
        case PlcClient::Outcome::unknown:
            break;
    }
    const Result<std::optional<plc::Operation>> last = co_await directory.last_operation(did);
    const bool is_there =
        last.has_value() && last->has_value() && (*last)->cid() == operation.cid();
    co_return is_there ? Taken::yes : Taken::unknown;
}

}  // namespace roost::pds::plc_log
