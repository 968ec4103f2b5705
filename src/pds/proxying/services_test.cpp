#include "pds/proxying/services.h"

#include <gtest/gtest.h>

#include "pds/proxying/closed_methods.h"
#include "pds/testing_network.h"

namespace roost::pds {
namespace {

class RemoteServicesTest : public ::testing::Test {
  protected:
    static RemoteService service(std::string did, std::string name) {
        return {.did = did,
                .name = std::move(name),
                .origin = "http://10.0.0.1:3000",
                .policy = net::AddressPolicy::configured};
    }
    std::string origin(std::string_view reference) {
        const auto found = loop_.run(services_.named(reference, now()));
        return found.has_value() ? found->origin : found.error().message;
    }
    void document(std::string services) {
        network_.pages["https://api.example/.well-known/did.json"] = {
            200, R"({"id":"did:web:api.example","service":[)" + services + "]}"};
    }

    RunLoop loop_;
    testing::FakeNetwork network_;
    PlcClient plc_{network_, std::string(testing::plc_url)};
    Resolver resolver_{
        network_, plc_, {.timeout_ms = 1'000, .ages = {.stale_ms = 60'000, .max_ms = 120'000}}};
    RemoteServices services_{resolver_,
                             {.app_view = service("did:web:view.example", "bsky_appview"),
                              .moderation = service("did:web:mod.example", "atproto_labeler"),
                              .report = std::nullopt}};
};

TEST_F(RemoteServicesTest, MethodsHaveTheirServices) {
    EXPECT_EQ(services_.for_method("app.bsky.feed.getTimeline")->did, "did:web:view.example");
    EXPECT_EQ(services_.for_method("com.example.anything")->did, "did:web:view.example");
    EXPECT_EQ(services_.for_method("tools.ozone.team.listMembers")->did, "did:web:mod.example");
    EXPECT_EQ(services_.for_method("tools.ozone.other.thing")->did, "did:web:view.example");
    EXPECT_EQ(services_.for_method("com.atproto.moderation.createReport"), nullptr);
}

TEST_F(RemoteServicesTest, NamedOnesAreFoundInTheirDocument) {
    document(
        R"({"id":"#api","type":"X","serviceEndpoint":"https://one.example/"},)"
        R"({"id":"did:web:api.example#two","type":"X","serviceEndpoint":"https://two.example"})");
    EXPECT_EQ(origin("did:web:api.example#api"), "https://one.example");
    EXPECT_EQ(origin("did:web:api.example#two"), "https://two.example");
    EXPECT_EQ(network_.requests.size(), 1U) << "the document is remembered";
    const auto found = loop_.run(services_.named("did:web:api.example#api", now()));
    EXPECT_EQ(found->policy, net::AddressPolicy::public_only);
    EXPECT_EQ(origin("did:web:api.example#none"), "could not resolve proxy did service url");
    EXPECT_EQ(origin("did:web:gone.example#api"), "could not resolve proxy did");
}

TEST_F(RemoteServicesTest, EndpointsAreOrigins) {
    for (const char* endpoint : {"https://a.example/path", "https://a.example?x=",
                                 "ftp://a.example", "https://u@a.example", "nonsense"}) {
        document(R"({"id":"#api","type":"X","serviceEndpoint":")" + std::string(endpoint) + "\"}");
        Resolver fresh{network_, plc_, {.timeout_ms = 1'000, .ages = {0, 0}}};
        RemoteServices services(fresh, {});
        const auto found = loop_.run(services.named("did:web:api.example#api", now()));
        EXPECT_FALSE(found.has_value()) << endpoint;
    }
}

TEST_F(RemoteServicesTest, TheOperatorsAppViewIsWhereTheySay) {
    EXPECT_EQ(origin("did:web:view.example#bsky_appview"), "http://10.0.0.1:3000");
    EXPECT_TRUE(network_.requests.empty());
    EXPECT_EQ(origin("did:web:view.example#other"), "could not resolve proxy did");
}

TEST_F(RemoteServicesTest, MalformedReferences) {
    EXPECT_EQ(origin("#x"), "no did specified in proxy header");
    EXPECT_EQ(origin("did:web:a.example"), "no service id specified in proxy header");
    EXPECT_EQ(origin("did:web:a.example#"), "no service id specified in proxy header");
    EXPECT_EQ(origin("did:web:a.example#b#c"), "invalid proxy header format");
    EXPECT_EQ(origin("did:web:a.example#b c"), "proxy header cannot contain spaces");
    EXPECT_EQ(origin("nonsense#b"), "invalid did in proxy header");
}

TEST(ClosedMethods, AreKnownInAnyCase) {
    EXPECT_TRUE(is_protected_method("com.atproto.server.getSession"));
    EXPECT_TRUE(is_protected_method("com.atproto.server.GETSESSION"));
    EXPECT_TRUE(is_protected_method("com.atproto.identity.updateHandle"));
    EXPECT_FALSE(is_protected_method("com.atproto.server.createAccount"));
    EXPECT_TRUE(is_privileged_method("com.atproto.server.createAccount"));
    EXPECT_TRUE(is_privileged_method("chat.bsky.convo.anything"));
    EXPECT_TRUE(is_privileged_method("chat.BSKY.convo.getLog"));
    EXPECT_FALSE(is_privileged_method("app.bsky.feed.getTimeline"));
}

}  // namespace
}  // namespace roost::pds
