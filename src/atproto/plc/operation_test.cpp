#include "atproto/plc/operation.h"

#include <gtest/gtest.h>

#include <functional>

#include "atproto/data/cbor.h"
#include "atproto/data/json.h"
#include "atproto/limits.h"
#include "base/encoding.h"

namespace roost::atproto::plc {
namespace {

PrivateKey key_of(std::uint8_t byte) {
    return *PrivateKey::from_raw(Curve::k256, SecretBytes(Bytes(32, byte)));
}

// The first operation of these, as another implementation makes it from the same keys.
const PrivateKey signing_key = key_of(0x11);
const PrivateKey rotation_key = key_of(0x22);
constexpr std::string_view genesis_json =
    R"({"type":"plc_operation","verificationMethods":{"atproto":"did:key:zQ3shjyJXUaRJC2GC43mX8aPrUhoTdoiongXhZjsdTzPKYZUM"},"rotationKeys":["did:key:zQ3shS9i8ufXsDMmNUWAzJDryVeJeQjh2cQNVA6Sc3r9W8wnv"],"alsoKnownAs":["at://alice.test"],"services":{"atproto_pds":{"type":"AtprotoPersonalDataServer","endpoint":"https://pds.test"}},"prev":null,"sig":"dQgAuuBhGoclSjCVBJzOFV0V_nuL3JyxawddvFf1dZp6_D0IjmjGm7VJgvstQSGsK6aspktv5hTjRMDd1MM4Xg"})";
constexpr std::string_view legacy_json =
    R"({"type":"create","signingKey":"did:key:zQ3shjyJXUaRJC2GC43mX8aPrUhoTdoiongXhZjsdTzPKYZUM","recoveryKey":"did:key:zQ3shS9i8ufXsDMmNUWAzJDryVeJeQjh2cQNVA6Sc3r9W8wnv","handle":"carol.test","service":"pds.test","prev":null,"sig":"04GcG1VSzrgwYAF0e4jO0X75f5l-kswfllBr4lQrtmAdJ9wpqZNDcXiz6qcA_jJleFZRf-hO-OC0qCvz17hGzQ"})";

State alice() {
    return make_state(*Handle::parse("alice.test"), signing_key.public_key(), "https://pds.test",
                      {rotation_key.public_key()});
}

Object genesis_object() {
    return *json::parse(genesis_json)->as<Object>();
}

bool is_accepted(const Object& object) {
    const Result<Operation> operation = Operation::parse(object);
    if (!operation) {
        EXPECT_EQ(operation.error().fault, Fault::invalid);
        EXPECT_EQ(operation.error().name, "InvalidOperation");
    }
    return operation.has_value();
}

// The example with one member changed.
bool is_accepted_with(std::string_view name, Value value) {
    Object object = genesis_object();
    object.set(std::string(name), std::move(value));
    return is_accepted(object);
}

TEST(PlcOperation, MakesTheKnownGenesis) {
    const Operation genesis = Operation::sign(alice(), std::nullopt, rotation_key);
    EXPECT_EQ(genesis.value(), *json::parse(genesis_json));
    EXPECT_EQ(genesis.make_did().text(), "did:plc:csqcj33mgndnjg5fer2cmkff");
    EXPECT_EQ(genesis.cid().text(), "bafyreiauuaso63bti3kjxjjeoqtcrjlo5b67dsf76jpew7qcqmhzivlm3u");
    EXPECT_TRUE(genesis.is_signed_by(rotation_key.public_key()));
    EXPECT_FALSE(genesis.is_signed_by(signing_key.public_key()));
    EXPECT_EQ(genesis.kind(), Kind::plc_operation);
    EXPECT_EQ(genesis.prev(), std::nullopt);
}

TEST(PlcOperation, MakesTheKnownUpdateAndTombstone) {
    const Operation genesis = Operation::sign(alice(), std::nullopt, rotation_key);
    const State changed = with_handle(genesis.state(), *Handle::parse("bob.test"));
    const Operation update = Operation::sign(changed, genesis.cid(), rotation_key);
    EXPECT_EQ(update.cid().text(), "bafyreiav2dyzj6ypa2zvgcspvbplduzcic26u7weji4t6srogmh2wujzkm");
    EXPECT_EQ(update.prev(), genesis.cid());
    const Operation tombstone = Operation::sign_tombstone(update.cid(), rotation_key);
    EXPECT_EQ(*tombstone.value().as<Object>()->find("sig"),
              Value("6C1a3iohebMdVacvpYgR5B-5aak8i53jhLER-pbnHuBcvgXvV8oVga9YEuP0Pk0JmLPvov5XtrI1k-"
                    "VarZwjLQ"));
    EXPECT_EQ(tombstone.kind(), Kind::tombstone);
    EXPECT_EQ(tombstone.prev(), update.cid());
}

TEST(PlcOperation, ReadsTheStateBack) {
    const Result<Operation> genesis = Operation::parse(*json::parse(genesis_json));
    ASSERT_TRUE(genesis);
    EXPECT_EQ(genesis->state(), alice());
    EXPECT_TRUE(genesis->is_signed_by(rotation_key.public_key()));
}

TEST(PlcOperation, ReadsTheLegacyForm) {
    const Result<Operation> legacy = Operation::parse(*json::parse(legacy_json));
    ASSERT_TRUE(legacy) << legacy.error().message;
    EXPECT_EQ(legacy->kind(), Kind::create);
    EXPECT_EQ(legacy->make_did().text(), "did:plc:zansppb3awy7p3hcavf333eu");
    EXPECT_TRUE(legacy->is_signed_by(signing_key.public_key()));
    EXPECT_EQ(legacy->state(),
              make_state(*Handle::parse("carol.test"), signing_key.public_key(), "https://pds.test",
                         {rotation_key.public_key(), signing_key.public_key()}));
}

TEST(PlcOperation, AChangedMemberBreaksTheSignature) {
    Object object = genesis_object();
    object.set("alsoKnownAs", Array{"at://mallory.test"});
    const Result<Operation> changed = Operation::parse(object);
    ASSERT_TRUE(changed);
    EXPECT_FALSE(changed->is_signed_by(rotation_key.public_key()));
    EXPECT_NE(changed->make_did().text(), "did:plc:csqcj33mgndnjg5fer2cmkff");
}

TEST(PlcOperation, FindsTheSigner) {
    const Operation genesis = Operation::sign(alice(), std::nullopt, rotation_key);
    const std::string right = rotation_key.public_key().did_key();
    const std::string wrong = signing_key.public_key().did_key();
    EXPECT_EQ(genesis.find_signer(std::vector{wrong, right, right}), 1U);
    EXPECT_EQ(genesis.find_signer(std::vector{wrong}), std::nullopt);
    EXPECT_EQ(genesis.find_signer({}), std::nullopt);
}

TEST(PlcOperation, WithHandleKeepsTheOtherAliases) {
    State state = alice();
    state.also_known_as = {"https://alice.test", "at://alice.test", "at://second.test"};
    EXPECT_EQ(
        with_handle(state, *Handle::parse("bob.test")).also_known_as,
        (std::vector<std::string>{"https://alice.test", "at://bob.test", "at://second.test"}));
    state.also_known_as = {"https://alice.test"};
    EXPECT_EQ(with_handle(state, *Handle::parse("bob.test")).also_known_as,
              (std::vector<std::string>{"at://bob.test", "https://alice.test"}));
}

TEST(PlcOperation, AnotherSigningKeyTakesThePlaceOfTheFirst) {
    const PublicKey key = PrivateKey::generate(Curve::p256).public_key();
    using Methods = std::vector<std::pair<std::string, std::string>>;
    State state;
    state.verification_methods = {{"other", "did:key:zOther"}, {"atproto", "did:key:zOld"}};
    EXPECT_EQ(with_signing_key(state, key).verification_methods,
              (Methods{{"other", "did:key:zOther"}, {"atproto", key.did_key()}}));
    state.verification_methods = {};
    EXPECT_EQ(with_signing_key(state, key).verification_methods,
              (Methods{{"atproto", key.did_key()}}));
}

TEST(PlcOperation, ReadsPartsThatAreGivenAlone) {
    EXPECT_EQ(parse_verification_methods(Object{{"a", "did:key:z1"}})->at(0).second, "did:key:z1");
    EXPECT_FALSE(parse_verification_methods("text"));
    EXPECT_FALSE(parse_verification_methods(Object{{"a", 1}}));
    const Object service{{"type", "T"}, {"endpoint", "https://e.test"}};
    EXPECT_EQ(parse_services(Object{{"a", service}})->at(0).second,
              (Service{"T", "https://e.test"}));
    EXPECT_FALSE(parse_services(Array{}));
    EXPECT_FALSE(parse_services(Object{{"a", "text"}}));
    EXPECT_FALSE(parse_services(Object{{"a", Object{{"type", "T"}}}}));
    EXPECT_FALSE(parse_services(Object{{"a", Object{{"type", "T"}, {"endpoint", 1}}}}));
}

TEST(PlcOperation, RefusesWrongMembers) {
    EXPECT_TRUE(is_accepted(genesis_object()));
    for (const auto& [name, value] : genesis_object()) {
        Object without = genesis_object();
        without.erase(name);
        EXPECT_FALSE(is_accepted(without)) << name;
        EXPECT_FALSE(is_accepted_with(name, 1)) << name;
        EXPECT_FALSE(is_accepted_with(name, Array{1})) << name;
        EXPECT_FALSE(is_accepted_with(name, Object{{"a", 1}})) << name;
        if (name != "prev") {
            EXPECT_FALSE(is_accepted_with(name, nullptr)) << name;
        }
    }
    EXPECT_FALSE(is_accepted_with("extra", "member"));
    EXPECT_FALSE(is_accepted_with("type", "plc_tombstone"));
    EXPECT_FALSE(is_accepted_with("type", "create"));
    EXPECT_FALSE(is_accepted_with("prev", "bafyrei"));
    EXPECT_FALSE(is_accepted_with("prev", ""));
    EXPECT_FALSE(is_accepted_with("services", Object{{"a", Object{{"type", "T"}}}}));
    EXPECT_FALSE(is_accepted_with(
        "services", Object{{"a", Object{{"type", "T"}, {"endpoint", "E"}, {"more", "M"}}}}));
    EXPECT_FALSE(Operation::parse(Value("text")));
    EXPECT_FALSE(Operation::parse(Value(Array{genesis_object()})));
}

TEST(PlcOperation, RefusesWrongSignatureTexts) {
    const std::string sig = *genesis_object().find("sig")->as<std::string>();
    EXPECT_FALSE(is_accepted_with("sig", ""));
    EXPECT_FALSE(is_accepted_with("sig", sig + "=="));
    EXPECT_FALSE(is_accepted_with("sig", sig + "AA"));
    EXPECT_FALSE(is_accepted_with("sig", sig.substr(0, 84)));
    std::string stray = sig;  // bits after the last whole byte
    stray.back() = 'h';
    EXPECT_FALSE(is_accepted_with("sig", stray));
}

TEST(PlcOperation, JudgesKeys) {
    const std::string good = rotation_key.public_key().did_key();
    EXPECT_FALSE(is_accepted_with("rotationKeys", Array{}));
    EXPECT_TRUE(is_accepted_with("rotationKeys", Array(5, good)));
    EXPECT_FALSE(is_accepted_with("rotationKeys", Array(6, good)));
    EXPECT_FALSE(is_accepted_with("rotationKeys", Array{good, "did:key:zNonsense"}));
    const std::string ed25519 = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
    EXPECT_FALSE(is_accepted_with("rotationKeys", Array{ed25519}));
    EXPECT_TRUE(is_accepted_with("verificationMethods", Object{{"other", ed25519}}));
    EXPECT_TRUE(is_accepted_with("verificationMethods", Object{}));
    for (const std::string& bad :
         {std::string("did:key:"), std::string("did:key:z"), std::string("did:web:a.test"),
          "did:key:z" + std::string(300, 'a'), std::string("did:key:z6Mk#a")})
        EXPECT_FALSE(is_accepted_with("verificationMethods", Object{{"other", bad}})) << bad;
}

TEST(PlcOperation, IsBoundedInSize) {
    const std::size_t rest = cbor::encode(genesis_object()).size();
    const std::size_t room = limits::plc_operation_bytes_max - rest;
    // A text this long takes a head of 3 bytes in the place of "at://alice.test" and its 1.
    const std::size_t longest = room + std::string_view("at://alice.test").size() + 1 - 3;
    EXPECT_TRUE(is_accepted_with("alsoKnownAs", Array{std::string(longest, 'a')}));
    EXPECT_FALSE(is_accepted_with("alsoKnownAs", Array{std::string(longest + 1, 'a')}));
}

TEST(PlcSubmission, IsStricter) {
    EXPECT_TRUE(check_submittable(alice()));
    const auto refuses = [](const std::function<void(State&)>& change) {
        State state = alice();
        change(state);
        return !check_submittable(state).has_value();
    };
    EXPECT_TRUE(refuses([](State& s) { s.rotation_keys.clear(); }));
    EXPECT_TRUE(refuses([](State& s) { s.rotation_keys.push_back(s.rotation_keys[0]); }));
    EXPECT_TRUE(refuses([](State& s) { s.also_known_as.push_back(s.also_known_as[0]); }));
    EXPECT_TRUE(refuses([](State& s) { s.also_known_as = {std::string(259, 'a')}; }));
    EXPECT_FALSE(refuses([](State& s) { s.also_known_as = {std::string(258, 'a')}; }));
    EXPECT_TRUE(refuses([](State& s) {
        for (int i = 0; i < 10; ++i)
            s.also_known_as.push_back(std::to_string(i));
    }));
    EXPECT_TRUE(refuses([](State& s) { s.services[0].first = std::string(33, 'a'); }));
    EXPECT_TRUE(refuses([](State& s) { s.services[0].first.clear(); }));
    EXPECT_TRUE(refuses([](State& s) { s.services[0].second.type = std::string(97, 'a'); }));
    EXPECT_TRUE(refuses([](State& s) { s.services[0].second.endpoint = std::string(257, 'a'); }));
    EXPECT_TRUE(refuses([](State& s) { s.verification_methods[0].first = std::string(33, 'a'); }));
    EXPECT_TRUE(refuses([](State& s) { s.verification_methods[0].second = "did:web:a"; }));
    EXPECT_TRUE(refuses([](State& s) {  // each part within its bound, the whole beyond
        for (int i = 0; i < 9; ++i) {
            s.also_known_as.push_back(std::to_string(i) + std::string(250, 'a'));
            s.services.push_back({std::to_string(i), {"T", std::string(250, 'a')}});
        }
    }));
}

}  // namespace
}  // namespace roost::atproto::plc
