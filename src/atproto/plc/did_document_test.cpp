#include "atproto/plc/did_document.h"

#include <gtest/gtest.h>

#include "atproto/data/json.h"
#include "base/encoding.h"

namespace roost::atproto {
namespace {

const Did did = *Did::parse("did:plc:csqcj33mgndnjg5fer2cmkff");
const PublicKey key = PrivateKey::from_raw(Curve::k256, SecretBytes(Bytes(32, 0x11)))->public_key();
const PublicKey p256_key =
    PrivateKey::from_raw(Curve::p256, SecretBytes(Bytes(32, 0x33)))->public_key();

// A document about did with these members besides the id.
DidDocument document(std::string_view members) {
    const std::string text =
        R"({"id":"did:plc:csqcj33mgndnjg5fer2cmkff",)" + std::string(members) + "}";
    return *DidDocument::parse(did, *json::parse(text));
}

std::string method(std::string_view id, std::string_view type, std::string_view multibase,
                   std::string_view controller = "did:plc:csqcj33mgndnjg5fer2cmkff") {
    return R"({"id":")" + std::string(id) + R"(","type":")" + std::string(type) +
           R"(","controller":")" + std::string(controller) + R"(","publicKeyMultibase":")" +
           std::string(multibase) + "\"}";
}

TEST(DidDocument, IsWrittenAsTheDirectoryWritesIt) {
    const plc::State state =
        plc::make_state(*Handle::parse("alice.test"), key, "https://pds.test", {p256_key});
    EXPECT_EQ(json::write(format_did_document(did, state)),
              R"({"@context":["https://www.w3.org/ns/did/v1",)"
              R"("https://w3id.org/security/multikey/v1",)"
              R"("https://w3id.org/security/suites/secp256k1-2019/v1"],)"
              R"("id":"did:plc:csqcj33mgndnjg5fer2cmkff","alsoKnownAs":["at://alice.test"],)"
              R"("verificationMethod":[{"id":"did:plc:csqcj33mgndnjg5fer2cmkff#atproto",)"
              R"("type":"Multikey","controller":"did:plc:csqcj33mgndnjg5fer2cmkff",)"
              R"("publicKeyMultibase":"zQ3shjyJXUaRJC2GC43mX8aPrUhoTdoiongXhZjsdTzPKYZUM"}],)"
              R"("service":[{"id":"#atproto_pds","type":"AtprotoPersonalDataServer",)"
              R"("serviceEndpoint":"https://pds.test"}]})");
}

TEST(DidDocument, ReadsWhatItWrites) {
    const plc::State state =
        plc::make_state(*Handle::parse("alice.test"), p256_key, "https://pds.test", {key});
    const Result<DidDocument> read = DidDocument::parse(did, format_did_document(did, state));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->handle()->text(), "alice.test");
    EXPECT_EQ(read->signing_key(), p256_key);
    EXPECT_EQ(read->pds_endpoint(), "https://pds.test");
    EXPECT_EQ(read->labeler_endpoint(), std::nullopt);
    EXPECT_EQ(read->key("atproto_label"), std::nullopt);
}

TEST(DidDocument, MustBeAboutTheDid) {
    for (const std::string_view text :
         {R"({"id":"did:plc:other"})", R"({})", R"([])", R"({"id":1})",
          R"({"id":"did:plc:csqcj33mgndnjg5fer2cmkff#a"})"}) {
        const Result<DidDocument> read = DidDocument::parse(did, *json::parse(text));
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().name, "InvalidDidDocument");
    }
}

TEST(DidDocument, TheFirstValidHandleCounts) {
    EXPECT_EQ(
        document(
            R"("alsoKnownAs":["https://x.test",1,"at://no_handle","at://Bob.Test","at://c.test"])")
            .handle()
            ->text(),
        "bob.test");
    for (const std::string_view members :
         {R"("a":1)", R"("alsoKnownAs":"at://bob.test")", R"("alsoKnownAs":[])",
          R"("alsoKnownAs":["at://bob.test/path","at://did:plc:abc"])"})
        EXPECT_EQ(document(members).handle(), std::nullopt) << members;
}

TEST(DidDocument, ReadsKeysOfEitherIdAndForm) {
    const std::string multikey = key.multikey();
    const std::string bare = "z" + base58_encode(key.compressed());
    const std::string bare_p256 = "z" + base58_encode(p256_key.compressed());
    const auto signing_key = [](const std::string& methods) {
        return document(R"("verificationMethod":[)" + methods + "]").signing_key();
    };
    EXPECT_EQ(signing_key(method("#atproto", "Multikey", multikey)), key);
    EXPECT_EQ(signing_key(method(did.text() + "#atproto", "Multikey", multikey)), key);
    EXPECT_EQ(signing_key(method("#atproto", "EcdsaSecp256k1VerificationKey2019", bare)), key);
    EXPECT_EQ(signing_key(method("#atproto", "EcdsaSecp256r1VerificationKey2019", bare_p256)),
              p256_key);
    // Entries that cannot be used are passed over.
    EXPECT_EQ(signing_key(R"(1,{},{"id":"#atproto"},)" + method("#atproto", "Multikey", "zabc") +
                          ',' + method("#other", "Multikey", p256_key.multikey()) + ',' +
                          method("#atproto", "Multikey", multikey)),
              key);
    for (const std::string& unusable :
         {std::string(), method("#atproto2", "Multikey", multikey),
          method("atproto", "Multikey", multikey),
          method("did:plc:other#atproto", "Multikey", multikey),
          method("#atproto", "Multikey", multikey, "did:plc:other"),
          method("#atproto", "Multikey", bare),
          method("#atproto", "EcdsaSecp256k1VerificationKey2019", multikey),
          method("#atproto", "EcdsaSecp256r1VerificationKey2019", "z" + std::string(200, '1')),
          method("#atproto", "Ed25519VerificationKey2020", multikey)})
        EXPECT_EQ(signing_key(unusable), std::nullopt) << unusable;
}

TEST(DidDocument, ReadsServices) {
    const auto endpoint = [](const std::string& url, std::string_view type,
                             std::string_view id = "#atproto_pds") {
        return document(R"("service":[{"id":")" + std::string(id) + R"(","type":")" +
                        std::string(type) + R"(","serviceEndpoint":)" + url + "}]")
            .pds_endpoint();
    };
    constexpr std::string_view pds_type = "AtprotoPersonalDataServer";
    EXPECT_EQ(endpoint(R"("https://pds.test")", pds_type), "https://pds.test");
    EXPECT_EQ(endpoint(R"("http://localhost:2583")", pds_type), "http://localhost:2583");
    EXPECT_EQ(endpoint(R"("https://pds.test")", pds_type, did.text() + "#atproto_pds"),
              "https://pds.test");
    EXPECT_EQ(endpoint(R"("https://pds.test")", "Other"), std::nullopt);
    EXPECT_EQ(endpoint(R"("https://pds.test")", pds_type, "#pds"), std::nullopt);
    for (const std::string_view url :
         {R"({"uri":"https://pds.test"})", R"("")", R"("pds.test")", R"("ftp://pds.test")",
          R"("https://")", R"("https:///path")", R"("https://:80")", R"("https://me@pds.test")",
          R"("https://me:pw@pds.test")", R"("https://pds.test#x")", R"("https://pds.test/a b")",
          R"("https://pds.test\n")", R"("https://pds.tést")", R"("https://a\\b.test")",
          R"("javascript:void")"})
        EXPECT_EQ(endpoint(std::string(url), pds_type), std::nullopt) << url;
}

TEST(DidDocument, FindsAnyService) {
    const DidDocument read = document(
        R"("service":[{"id":"#bsky_appview","type":"BskyAppView","serviceEndpoint":"https://a.test"},)"
        R"({"id":"#atproto_labeler","type":"AtprotoLabeler","serviceEndpoint":"https://l.test"}])");
    EXPECT_EQ(read.service_endpoint("bsky_appview", ""), "https://a.test");
    EXPECT_EQ(read.service_endpoint("bsky_appview", "BskyAppView"), "https://a.test");
    EXPECT_EQ(read.service_endpoint("bsky_appview", "Other"), std::nullopt);
    EXPECT_EQ(read.service_endpoint("other", ""), std::nullopt);
    EXPECT_EQ(read.labeler_endpoint(), "https://l.test");
    EXPECT_EQ(read.pds_endpoint(), std::nullopt);
}

}  // namespace
}  // namespace roost::atproto
