#include "pds/identity/resolver.h"

#include <gtest/gtest.h>

#include "pds/testing_network.h"

namespace roost::pds {
namespace {

using testing::did_of;
using testing::handle_of;
using testing::name_of;

class ResolverTest : public ::testing::Test {
  protected:
    auto document(std::string_view did) { return loop_.run(resolver_.did_document(did_of(did))); }
    std::string handle(std::string_view text) {
        const auto did = loop_.run(resolver_.handle(handle_of(text)));
        return did ? did->text() : "none";
    }
    void page(const std::string& url, const std::string& body, int status = 200) {
        network_.pages[url] = {status, body};
    }

    RunLoop loop_;
    testing::FakeNetwork network_;
    PlcClient plc_{network_, std::string(testing::plc_url)};
    Resolver resolver_{network_, plc_, 1'000};
};

TEST_F(ResolverTest, AsksTheDirectoryForPlc) {
    const auto key = atproto::PrivateKey::generate(atproto::Curve::k256);
    const auto did = did_of("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
    network_.publish(did,
                     atproto::plc::make_state(handle_of("ann.test"), key.public_key(),
                                              "https://pds.test", {key.public_key()}),
                     key);
    const auto found = document(did.text());
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->signing_key(), key.public_key());
    EXPECT_FALSE(document("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb")->has_value());
    network_.plc = testing::FakeNetwork::Plc::is_unreachable;
    EXPECT_FALSE(document(did.text()).has_value());
}

TEST_F(ResolverTest, AsksTheHostForWeb) {
    page("https://ann.net/.well-known/did.json", R"({"id":"did:web:ann.net"})");
    const auto found = document("did:web:ann.net");
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->did().text(), "did:web:ann.net");
    EXPECT_EQ(network_.requests.at(0).policy, net::AddressPolicy::public_only);
    page("https://gone.net/.well-known/did.json", "", 404);
    EXPECT_FALSE(document("did:web:gone.net")->has_value());
    page("https://eve.net/.well-known/did.json", R"({"id":"did:web:ann.net"})");
    EXPECT_FALSE(document("did:web:eve.net").has_value()) << "a document about somebody else";
    page("https://odd.net/.well-known/did.json", "<html>");
    EXPECT_FALSE(document("did:web:odd.net").has_value());
    EXPECT_FALSE(document("did:web:unreachable.net").has_value());
}

TEST_F(ResolverTest, AWebDidIsAHostAndNothingElse) {
    for (const std::string_view did :
         {"did:web:ann.net:path", "did:web:ann.net%2Fpath", "did:web:ann.net%3Fx", "did:web:x%23",
          "did:web:user%40ann.net", "did:web:ann.net%5Cx", "did:web:ann.net%0D%0Ax",
          "did:web:ann.net%00"}) {
        const auto found = document(did);
        EXPECT_TRUE(found.has_value() && !found->has_value()) << did;
    }
    EXPECT_TRUE(network_.requests.empty());
}

TEST_F(ResolverTest, OnlyLocalhostGoesWithoutTls) {
    page("http://localhost:2583/.well-known/did.json", R"({"id":"did:web:localhost%3A2583"})");
    EXPECT_TRUE(document("did:web:localhost%3A2583")->has_value());
    EXPECT_FALSE(document("did:web:localhost.evil.net").has_value());
    EXPECT_EQ(network_.requests.back().url, "https://localhost.evil.net/.well-known/did.json");
}

TEST_F(ResolverTest, OtherMethodsAreUnknown) {
    EXPECT_FALSE(document("did:key:zQ3shabc")->has_value());
    EXPECT_TRUE(network_.requests.empty());
}

TEST_F(ResolverTest, ResolvesHandlesByDns) {
    network_.txt["_atproto.ann.net"] = {"v=spf1", "did=did:web:ann.net"};
    EXPECT_EQ(handle("Ann.net"), "did:web:ann.net");
    network_.txt["_atproto.ann.net"] = {"did=did:web:a.net", "did=did:web:a.net"};
    EXPECT_EQ(handle("ann.net"), "did:web:a.net");
    network_.txt["_atproto.ann.net"] = {"did=did:web:a.net", "did=did:web:b.net"};
    EXPECT_EQ(handle("ann.net"), "none") << "two claims are none";
    EXPECT_TRUE(network_.requests.empty());
    network_.txt["_atproto.ann.net"] = {"did=nonsense"};
    EXPECT_EQ(handle("ann.net"), "none");
}

TEST_F(ResolverTest, ResolvesHandlesByTheWeb) {
    page("https://ann.net/.well-known/atproto-did", " did:web:ann.net\r\n");
    EXPECT_EQ(handle("ann.net"), "did:web:ann.net");
    page("https://bob.net/.well-known/atproto-did", "did:web:bob.net", 404);
    EXPECT_EQ(handle("bob.net"), "none");
    page("https://carl.net/.well-known/atproto-did", "<html>did:web:carl.net</html>");
    EXPECT_EQ(handle("carl.net"), "none");
    EXPECT_EQ(handle("nobody.net"), "none");
    EXPECT_LE(network_.requests.at(0).response_bytes_max, 4U * 1024);
}

}  // namespace
}  // namespace roost::pds
