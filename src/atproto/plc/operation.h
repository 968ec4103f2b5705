// did:plc: an identity is a log of signed operations. The first makes the DID, which is its hash;
// each later one names its predecessor and is signed by one of the predecessor's rotation keys.
//
//     plc::Operation genesis = plc::Operation::sign(state, std::nullopt, rotation_key);
//     Did did = genesis.make_did();
//     … later …
//     plc::Operation change = plc::Operation::sign(changed, genesis.cid(), rotation_key);
//
// Pure values; nothing here speaks to the directory. A log is judged in plc/log.h.
// https://web.plc.directory/spec/v0.1/did-plc
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "atproto/crypto/keys.h"
#include "atproto/data/cid.h"
#include "atproto/data/value.h"
#include "atproto/syntax/syntax.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto::plc {

struct Service {
    std::string type;
    std::string endpoint;
    friend bool operator==(const Service&, const Service&) = default;
};

// What an identity says of itself. Keys are texts of did:key.
struct State {
    std::vector<std::string> rotation_keys;                                 // the strongest first
    std::vector<std::pair<std::string, std::string>> verification_methods;  // name, key
    std::vector<std::string> also_known_as;
    std::vector<std::pair<std::string, Service>> services;  // name, service

    friend bool operator==(const State&, const State&) = default;
};

// The state of an account: at://handle, the signing key as "atproto", the server as "atproto_pds".
State make_state(const Handle& handle, const PublicKey& signing_key, std::string_view pds_url,
                 const std::vector<PublicKey>& rotation_keys);
// The same state with another handle: in the place of the first at:// alias, else in front.
State with_handle(State state, const Handle& handle);
// The same state with another signing key of the account.
State with_signing_key(State state, const PublicKey& key);

// The members of an operation that are objects, as their JSON has them. Errors: Fault::invalid,
// "InvalidOperation".
Result<std::vector<std::pair<std::string, std::string>>> parse_verification_methods(
    const Value& value);
Result<std::vector<std::pair<std::string, Service>>> parse_services(const Value& value);

enum class Kind {
    plc_operation,
    tombstone,
    create,  // the form of 2022, valid only as the first operation of a log
};

class Operation {
  public:
    // prev is the CID of the operation before; none for the first one. The state must be valid for
    // the directory as of check_submittable(); rotation_key must be the predecessor's (or, for the
    // first operation, the state's own): that is judged with the log.
    static Operation sign(const State& state, const std::optional<Cid>& prev,
                          const PrivateKey& rotation_key);
    static Operation sign_tombstone(const Cid& prev, const PrivateKey& rotation_key);
    // Form and limits of a signed operation; its signature is judged with the log. Members that the
    // specification does not know are refused. Errors: Fault::invalid, "InvalidOperation".
    static Result<Operation> parse(const Value& value);

    Kind kind() const { return kind_; }
    const std::optional<Cid>& prev() const { return prev_; }
    // Not for a tombstone. A legacy operation is read as its modern equal.
    const State& state() const;
    const Value& value() const { return value_; }
    const Cid& cid() const { return cid_; }
    // The DID that this operation creates if it is a log's first.
    Did make_did() const;
    bool is_signed_by(const PublicKey& key) const;
    // The index in keys of the first that signed it.
    std::optional<std::size_t> find_signer(std::span<const std::string> keys) const;

  private:
    Operation(Kind kind, const Object& value, Bytes encoded, Bytes signature);

    static Operation sign(Kind kind, Object unsigned_operation, const PrivateKey& rotation_key);

    Kind kind_;
    Value value_;
    Cid cid_;
    Bytes signed_bytes_;  // the operation without its signature, in DAG-CBOR
    Bytes signature_;
    std::optional<Cid> prev_;
    State state_;
};

// Whether the public directory takes such a state in a new operation; it is stricter than with
// operations it already holds. Errors: Fault::invalid, "InvalidOperation".
Result<void> check_submittable(const State& state);

}  // namespace roost::atproto::plc
