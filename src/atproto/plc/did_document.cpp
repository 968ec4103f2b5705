#include "atproto/plc/did_document.h"

#include <algorithm>

#include "base/encoding.h"

namespace roost::atproto {

namespace {

constexpr std::string_view alias_prefix = "at://";

const std::string* text_member(const Object& object, std::string_view name) {
    const Value* const value = object.find(name);
    return value ? value->as<std::string>() : nullptr;
}

// http(s)://HOST…, in visible ASCII, without user information or fragment.
bool is_http_url(std::string_view text) {
    const std::string_view scheme = text.starts_with("https://") ? "https://" : "http://";
    if (!text.starts_with(scheme)) return false;
    const std::string_view rest = text.substr(scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    return !authority.empty() && !authority.starts_with(':') &&
           authority.find('@') == authority.npos && std::ranges::all_of(rest, [](char c) {
               return c > ' ' && c < 0x7f && c != '#' && c != '\\';
           });
}

Result<PublicKey> parse_key(std::string_view type, std::string_view multibase) {
    if (type == "Multikey") return PublicKey::parse_multikey(multibase);
    // The older form: the bare point, its curve told by the type.
    const bool is_k256 = type == "EcdsaSecp256k1VerificationKey2019";
    const bool is_p256 = type == "EcdsaSecp256r1VerificationKey2019";
    if ((!is_k256 && !is_p256) || !multibase.starts_with('z'))
        return Error::invalid("the key has an unknown type");
    const std::optional<Bytes> point = base58_decode(multibase.substr(1));
    if (!point) return Error::invalid("the key is not base58");
    return PublicKey::from_point(is_k256 ? Curve::k256 : Curve::p256, *point);
}

// The JSON-LD context of a key, by its kind; null for kinds that have none of their own.
const char* suite_of(const std::string& did_key) {
    const Result<PublicKey> key = PublicKey::parse_did_key(did_key);
    if (!key) return nullptr;
    return key->curve() == Curve::k256 ? "https://w3id.org/security/suites/secp256k1-2019/v1"
                                       : "https://w3id.org/security/suites/ecdsa-2019/v1";
}

}  // namespace

Value format_did_document(const Did& did, const plc::State& state) {
    Array context = {"https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"};
    Array methods;
    for (const auto& [name, key] : state.verification_methods) {
        const char* const suite = suite_of(key);
        if (suite && std::ranges::find(context, Value(suite)) == context.end())
            context.push_back(suite);
        methods.push_back(
            Object{{"id", did.text() + '#' + name},
                   {"type", "Multikey"},
                   {"controller", did.text()},
                   {"publicKeyMultibase", key.substr(std::string_view("did:key:").size())}});
    }
    Array services;
    for (const auto& [name, service] : state.services)
        services.push_back(Object{
            {"id", '#' + name}, {"type", service.type}, {"serviceEndpoint", service.endpoint}});
    return Object{{"@context", std::move(context)},
                  {"id", did.text()},
                  {"alsoKnownAs", Array(state.also_known_as.begin(), state.also_known_as.end())},
                  {"verificationMethod", std::move(methods)},
                  {"service", std::move(services)}};
}

Result<DidDocument> DidDocument::parse(const Did& did, Value document) {
    const Object* const object = document.as<Object>();
    const std::string* const id = object ? text_member(*object, "id") : nullptr;
    if (!id || *id != did.text())
        return Error::invalid("the document is not about " + did.text(), "InvalidDidDocument");
    return DidDocument(did, std::move(document));
}

std::optional<Handle> DidDocument::handle() const {
    const Value* const aliases = document_.as<Object>()->find("alsoKnownAs");
    if (!aliases || !aliases->as<Array>()) return std::nullopt;
    for (const Value& alias : *aliases->as<Array>()) {
        const std::string* const text = alias.as<std::string>();
        if (!text || !text->starts_with(alias_prefix)) continue;
        Result<Handle> handle = Handle::parse(std::string_view(*text).substr(alias_prefix.size()));
        if (handle) return std::move(*handle);
    }
    return std::nullopt;
}

template <class Use>
auto DidDocument::find_entry(std::string_view list, std::string_view name, Use use) const
    -> decltype(use(std::declval<const Object&>())) {
    const Value* const entries = document_.as<Object>()->find(list);
    if (!entries || !entries->as<Array>()) return std::nullopt;
    const std::string relative = '#' + std::string(name);
    const std::string absolute = did_.text() + relative;
    for (const Value& value : *entries->as<Array>()) {
        const Object* const entry = value.as<Object>();
        const std::string* const id = entry ? text_member(*entry, "id") : nullptr;
        if (!id || (*id != relative && *id != absolute)) continue;
        if (auto used = use(*entry)) return used;
    }
    return std::nullopt;
}

std::optional<PublicKey> DidDocument::key(std::string_view name) const {
    return find_entry("verificationMethod", name,
                      [this](const Object& entry) -> std::optional<PublicKey> {
                          const std::string* const type = text_member(entry, "type");
                          const std::string* const controller = text_member(entry, "controller");
                          const std::string* const text = text_member(entry, "publicKeyMultibase");
                          if (!type || !text || !controller || *controller != did_.text())
                              return std::nullopt;
                          Result<PublicKey> key = parse_key(*type, *text);
                          if (!key) return std::nullopt;
                          return std::move(*key);
                      });
}

std::optional<std::string> DidDocument::service_endpoint(std::string_view name,
                                                         std::string_view type) const {
    return find_entry("service", name, [type](const Object& entry) -> std::optional<std::string> {
        const std::string* const entry_type = text_member(entry, "type");
        const std::string* const url = text_member(entry, "serviceEndpoint");
        if (!url || !is_http_url(*url)) return std::nullopt;
        if (!type.empty() && (!entry_type || *entry_type != type)) return std::nullopt;
        return *url;
    });
}

}  // namespace roost::atproto
