#include "atproto/plc/operation.h"

#include <algorithm>
#include <array>

#include "atproto/data/cbor.h"
#include "atproto/limits.h"
#include "base/check.h"
#include "base/encoding.h"

namespace roost::atproto::plc {

namespace {

constexpr std::string_view alias_prefix = "at://";
constexpr std::size_t did_hash_characters = 24;

// The members that each kind has, sig among them.
constexpr std::array<std::string_view, 7> operation_members = {
    "type", "rotationKeys", "verificationMethods", "alsoKnownAs", "services", "prev", "sig"};
constexpr std::array<std::string_view, 3> tombstone_members = {"type", "prev", "sig"};
constexpr std::array<std::string_view, 7> create_members = {
    "type", "signingKey", "recoveryKey", "handle", "service", "prev", "sig"};

Error invalid(std::string message) {
    return Error::invalid(std::move(message), "InvalidOperation");
}

template <class T>
Result<T> member(const Object& object, std::string_view name) {
    const Value* const value = object.find(name);
    const T* const found = value ? value->as<T>() : nullptr;
    if (!found) return invalid("the operation's " + std::string(name) + " is missing or wrong");
    return *found;
}

Result<void> check_members(const Object& object, std::span<const std::string_view> names) {
    if (object.size() != names.size()) return invalid("the operation has members too many or few");
    for (const std::string_view name : names) {
        if (!object.find(name)) return invalid("the operation has no " + std::string(name));
    }
    return {};
}

Result<std::optional<Cid>> parse_prev(const Object& object, Kind kind) {
    const Value& prev = *object.find("prev");
    if (prev.is_null() && kind != Kind::tombstone) return std::optional<Cid>();
    const std::string* const text = prev.as<std::string>();
    if (!text || kind == Kind::create) return invalid("the operation's prev is wrong");
    Result<Cid> cid = Cid::parse(*text);
    if (!cid || cid->codec() != Codec::dag_cbor)
        return invalid("the operation's prev is not the CID of an operation");
    return std::optional<Cid>(*cid);
}

Result<std::vector<std::string>> parse_texts(const Object& object, std::string_view name) {
    const Array array = TRY(member<Array>(object, name));
    std::vector<std::string> texts;
    for (const Value& value : array) {
        const std::string* const text = value.as<std::string>();
        if (!text) return invalid("the operation's " + std::string(name) + " are not texts");
        texts.push_back(*text);
    }
    return texts;
}

// A verification method may be a key of any kind, for other protocols' use.
bool is_any_did_key(std::string_view text) {
    constexpr std::string_view prefix = "did:key:z";
    return text.starts_with(prefix) && text.size() <= limits::plc_key_bytes_max &&
           text.size() > prefix.size() &&
           std::ranges::all_of(text.substr(prefix.size()), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
           });
}

Result<void> check_keys(const State& state) {
    if (state.rotation_keys.empty() || state.rotation_keys.size() > limits::plc_rotation_keys_max)
        return invalid("an operation has 1 to " + std::to_string(limits::plc_rotation_keys_max) +
                       " rotation keys");
    for (const std::string& key : state.rotation_keys) {
        if (!PublicKey::parse_did_key(key))
            return invalid("a rotation key is a did:key of K-256 or P-256");
    }
    for (const auto& [name, key] : state.verification_methods) {
        if (!is_any_did_key(key))
            return invalid("the verification method " + name + " is no did:key");
    }
    return {};
}

Result<State> parse_state(const Object& object) {
    State state;
    state.rotation_keys = TRY(parse_texts(object, "rotationKeys"));
    state.also_known_as = TRY(parse_texts(object, "alsoKnownAs"));
    state.verification_methods =
        TRY(parse_verification_methods(*object.find("verificationMethods")));
    state.services = TRY(parse_services(*object.find("services")));
    return state;
}

std::string with_https(std::string url) {
    if (url.starts_with("https://") || url.starts_with("http://")) return url;
    return "https://" + url;
}

std::string as_alias(std::string handle) {
    if (handle.starts_with(alias_prefix)) return handle;
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (handle.starts_with(scheme)) handle.erase(0, scheme.size());
    }
    return std::string(alias_prefix) + handle;
}

Result<State> parse_legacy_state(const Object& object) {
    const std::string signing_key = TRY(member<std::string>(object, "signingKey"));
    State state;
    state.rotation_keys = { TRY(member<std::string>(object, "recoveryKey")), signing_key };
    state.verification_methods = {{"atproto", signing_key}};
    state.also_known_as = { as_alias(TRY(member<std::string>(object, "handle"))) };
    state.services = {
        {"atproto_pds",
         {"AtprotoPersonalDataServer", with_https(TRY(member<std::string>(object, "service")))}}};
    return state;
}

Object make_unsigned(const State& state, const std::optional<Cid>& prev) {
    const Array rotation_keys(state.rotation_keys.begin(), state.rotation_keys.end());
    const Array also_known_as(state.also_known_as.begin(), state.also_known_as.end());
    Object methods;
    for (const auto& [name, key] : state.verification_methods)
        methods.set(name, key);
    Object services;
    for (const auto& [name, service] : state.services)
        services.set(name, Object{{"type", service.type}, {"endpoint", service.endpoint}});
    return {{"type", "plc_operation"},
            {"rotationKeys", rotation_keys},
            {"verificationMethods", std::move(methods)},
            {"alsoKnownAs", also_known_as},
            {"services", std::move(services)},
            {"prev", prev ? Value(prev->text()) : Value()}};
}

bool has_duplicates(std::vector<std::string> texts) {
    std::ranges::sort(texts);
    return std::ranges::adjacent_find(texts) != texts.end();
}

Result<Kind> parse_kind(const Object& object) {
    const std::string type = TRY(member<std::string>(object, "type"));
    if (type == "plc_operation") return Kind::plc_operation;
    if (type == "plc_tombstone") return Kind::tombstone;
    if (type == "create") return Kind::create;
    return invalid("an operation's type is plc_operation or plc_tombstone");
}

std::span<const std::string_view> members_of(Kind kind) {
    switch (kind) {
        case Kind::plc_operation:
            return operation_members;
        case Kind::tombstone:
            return tombstone_members;
        case Kind::create:
            return create_members;
    }
    std::unreachable();
}

}  // namespace

State make_state(const Handle& handle, const PublicKey& signing_key, std::string_view pds_url,
                 const std::vector<PublicKey>& rotation_keys) {
    State state;
    for (const PublicKey& key : rotation_keys)
        state.rotation_keys.push_back(key.did_key());
    state.verification_methods = {{"atproto", signing_key.did_key()}};
    state.also_known_as = {std::string(alias_prefix) + handle.text()};
    state.services = {{"atproto_pds", {"AtprotoPersonalDataServer", std::string(pds_url)}}};
    return state;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_verification_methods(
    const Value& value) {
    const Object* const methods = value.as<Object>();
    if (!methods) return invalid("the operation's verificationMethods are an object");
    std::vector<std::pair<std::string, std::string>> parsed;
    for (const auto& [name, method] : *methods) {
        const std::string* const key = method.as<std::string>();
        if (!key) return invalid("the operation's verificationMethods are not texts");
        parsed.emplace_back(name, *key);
    }
    return parsed;
}

Result<std::vector<std::pair<std::string, Service>>> parse_services(const Value& value) {
    const Object* const services = value.as<Object>();
    if (!services) return invalid("the operation's services are an object");
    std::vector<std::pair<std::string, Service>> parsed;
    for (const auto& [name, member_value] : *services) {
        const Object* const service = member_value.as<Object>();
        if (!service || service->size() != 2)
            return invalid("a service of an operation is a type and an endpoint");
        std::string type = TRY(member<std::string>(*service, "type"));
        std::string endpoint = TRY(member<std::string>(*service, "endpoint"));
        parsed.emplace_back(name, Service{std::move(type), std::move(endpoint)});
    }
    return parsed;
}

State with_handle(State state, const Handle& handle) {
    std::string alias = std::string(alias_prefix) + handle.text();
    const auto old = std::ranges::find_if(state.also_known_as, [](const std::string& text) {
        return text.starts_with(alias_prefix);
    });
    if (old != state.also_known_as.end())
        *old = std::move(alias);
    else
        state.also_known_as.insert(state.also_known_as.begin(), std::move(alias));
    return state;
}

State with_signing_key(State state, const PublicKey& key) {
    const auto old = std::ranges::find(state.verification_methods, "atproto",
                                       &std::pair<std::string, std::string>::first);
    if (old != state.verification_methods.end())
        old->second = key.did_key();
    else
        state.verification_methods.emplace_back("atproto", key.did_key());
    return state;
}

Operation::Operation(Kind kind, const Object& value, Bytes encoded, Bytes signature)
    : kind_(kind),
      value_(value),
      cid_(Cid::of(Codec::dag_cbor, encoded)),
      signature_(std::move(signature)) {
    Object unsigned_operation = value;
    unsigned_operation.erase("sig");
    signed_bytes_ = cbor::encode(unsigned_operation);
}

Operation Operation::sign(Kind kind, Object unsigned_operation, const PrivateKey& rotation_key) {
    const Signature signature = rotation_key.sign(cbor::encode(unsigned_operation));
    unsigned_operation.set("sig", base64url_encode(signature));
    Result<Operation> operation = parse(unsigned_operation);
    check(operation.has_value() && operation->kind() == kind, "our own operation is valid");
    return std::move(*operation);
}

Operation Operation::sign(const State& state, const std::optional<Cid>& prev,
                          const PrivateKey& rotation_key) {
    return sign(Kind::plc_operation, make_unsigned(state, prev), rotation_key);
}

Operation Operation::sign_tombstone(const Cid& prev, const PrivateKey& rotation_key) {
    return sign(Kind::tombstone, {{"type", "plc_tombstone"}, {"prev", prev.text()}}, rotation_key);
}

Result<Operation> Operation::parse(const Value& value) {
    const Object* const object = value.as<Object>();
    if (!object) return invalid("an operation is an object");
    const Kind kind = TRY(parse_kind(*object));
    TRY(check_members(*object, members_of(kind)));
    std::optional<Bytes> signature = base64url_decode(TRY(member<std::string>(*object, "sig")));
    if (!signature || signature->size() != std::tuple_size_v<Signature>)
        return invalid("an operation's sig is 64 bytes in base64url");
    Bytes encoded = cbor::encode(value);
    if (encoded.size() > limits::plc_operation_bytes_max)
        return invalid("an operation is at most " +
                       std::to_string(limits::plc_operation_bytes_max) + " bytes");

    Operation operation(kind, *object, std::move(encoded), std::move(*signature));
    operation.prev_ = TRY(parse_prev(*object, kind));
    if (kind == Kind::tombstone) return operation;
    operation.state_ =
        TRY(kind == Kind::create ? parse_legacy_state(*object) : parse_state(*object));
    TRY(check_keys(operation.state_));
    return operation;
}

const State& Operation::state() const {
    check(kind_ != Kind::tombstone, "a tombstone has no state");
    return state_;
}

Did Operation::make_did() const {
    const std::string hash = base32_encode(cid_.digest());
    Result<Did> did = Did::parse("did:plc:" + hash.substr(0, did_hash_characters));
    check(did.has_value(), "a hash makes a DID");
    return std::move(*did);
}

bool Operation::is_signed_by(const PublicKey& key) const {
    return key.verify(signed_bytes_, signature_);
}

std::optional<std::size_t> Operation::find_signer(std::span<const std::string> keys) const {
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const Result<PublicKey> key = PublicKey::parse_did_key(keys[i]);
        if (key && is_signed_by(*key)) return i;
    }
    return std::nullopt;
}

Result<void> check_submittable(const State& state) {
    TRY(check_keys(state));
    if (has_duplicates(state.rotation_keys)) return invalid("a rotation key is there twice");
    if (has_duplicates(state.also_known_as)) return invalid("an alias is there twice");
    const std::size_t entries_max = limits::plc_submitted_entries_max;
    if (state.also_known_as.size() > entries_max || state.services.size() > entries_max ||
        state.verification_methods.size() > entries_max)
        return invalid("an operation has at most " + std::to_string(entries_max) +
                       " aliases, services and verification methods each");
    for (const std::string& alias : state.also_known_as) {
        if (alias.size() > limits::plc_submitted_alias_bytes_max)
            return invalid("an alias is too long");
    }
    for (const auto& [name, key] : state.verification_methods) {
        if (name.empty() || name.size() > limits::plc_submitted_id_bytes_max)
            return invalid("the name of a verification method is empty or too long");
    }
    for (const auto& [name, service] : state.services) {
        if (name.empty() || name.size() > limits::plc_submitted_id_bytes_max)
            return invalid("the name of a service is empty or too long");
        if (service.type.size() > limits::plc_submitted_service_type_bytes_max ||
            service.endpoint.size() > limits::plc_submitted_endpoint_bytes_max)
            return invalid("the service " + name + " has a type or endpoint that is too long");
    }
    // The size with a predecessor and a signature.
    Object whole = make_unsigned(state, Cid::of(Codec::dag_cbor, {}));
    whole.set("sig", base64url_encode(Signature{}));
    if (cbor::encode(whole).size() > limits::plc_submitted_bytes_max)
        return invalid("an operation is at most " +
                       std::to_string(limits::plc_submitted_bytes_max) + " bytes");
    return {};
}

}  // namespace roost::atproto::plc
