#include "pds/accounts/handle_policy.h"

#include <gtest/gtest.h>

#include "pds/testing.h"

namespace roost::pds {
namespace {

using testing::name_of;

const HandlePolicy policy({".pds.test", ".other.example"}, PunycodeHandles::refused);

std::string service_refusal(std::string_view handle) {
    return name_of(policy.check_service_handle(testing::handle_of(handle)));
}

TEST(HandlePolicy, NormalisesToLowerCase) {
    EXPECT_EQ(policy.normalize("ALICE.Pds.Test")->text(), "alice.pds.test");
}

TEST(HandlePolicy, RefusesWhatIsNoHandle) {
    for (const std::string_view text :
         {"", "alice", "alice.pds.test.", ".pds.test", "al ice.pds.test", "alice..pds.test",
          "-alice.pds.test", "alice-.pds.test", "@alice.pds.test", "alice_x.pds.test",
          "\xd0\xb0lice.pds.test" /* a Cyrillic a */, "alice\xe2\x80\xae.pds.test" /* RTL mark */,
          "ali\xc2\xad"
          "ce.pds.test" /* a soft hyphen */,
          "alice.pds.test\n", "alice.pds.test/x", "did:plc:abc",
          "al\xef\xbc\x91"
          "ce.pds.test" /* a full-width digit */})
        EXPECT_EQ(name_of(policy.normalize(text)), "InvalidHandle") << text;
    EXPECT_EQ(name_of(policy.normalize(std::string_view("alice\0x.pds.test", 16))),
              "InvalidHandle");
    EXPECT_EQ(name_of(policy.normalize(std::string(64, 'a') + ".pds.test")), "InvalidHandle");
    EXPECT_EQ(name_of(policy.normalize(std::string(300, 'a'))), "InvalidHandle");
}

TEST(HandlePolicy, RefusesExcludedTopLevelDomainsUnlessTheyAreServed) {
    EXPECT_EQ(name_of(policy.normalize("alice.local")), "InvalidHandle");
    EXPECT_EQ(name_of(policy.normalize("alice.arpa")), "InvalidHandle");
    const HandlePolicy local({".local"}, PunycodeHandles::refused);
    EXPECT_EQ(name_of(local.normalize("alice.local")), "");
}

TEST(HandlePolicy, PunycodeIsASwitch) {
    for (const std::string_view text : {"xn--e1afmkfd.pds.test", "a.xn--e1afmkfd.com"})
        EXPECT_EQ(name_of(policy.normalize(text)), "InvalidHandle") << text;
    EXPECT_EQ(name_of(policy.normalize("axn--b.pds.test")), "");
    const HandlePolicy open({".pds.test"}, PunycodeHandles::allowed);
    EXPECT_EQ(name_of(open.normalize("xn--e1afmkfd.pds.test")), "");
}

TEST(HandlePolicy, KnowsItsServiceDomains) {
    EXPECT_TRUE(policy.is_on_service_domain(testing::handle_of("alice.pds.test")));
    EXPECT_TRUE(policy.is_on_service_domain(testing::handle_of("alice.other.example")));
    EXPECT_TRUE(policy.is_on_service_domain(testing::handle_of("a.b.pds.test")));
    EXPECT_FALSE(policy.is_on_service_domain(testing::handle_of("pds.test")));
    EXPECT_FALSE(policy.is_on_service_domain(testing::handle_of("alice.evilpds.test")));
    EXPECT_FALSE(policy.is_on_service_domain(testing::handle_of("alice.pds.test.com")));
}

TEST(HandlePolicy, GivesOutOneLabelOf3To18Characters) {
    EXPECT_EQ(service_refusal("abc.pds.test"), "");
    EXPECT_EQ(service_refusal("ab.pds.test"), "InvalidHandle");
    EXPECT_EQ(service_refusal("abcdefghijklmnopqr.pds.test"), "");
    EXPECT_EQ(service_refusal("abcdefghijklmnopqrs.pds.test"), "InvalidHandle");
    EXPECT_EQ(service_refusal("abc.def.pds.test"), "InvalidHandle");
    EXPECT_EQ(service_refusal("alice.example.com"), "UnsupportedDomain");
    EXPECT_EQ(service_refusal("pds.test"), "UnsupportedDomain");
}

TEST(HandlePolicy, TheLongestOfOverlappingDomainsCounts) {
    for (const std::vector<std::string>& domains :
         {std::vector<std::string>{".test", ".pds.test"}, {".pds.test", ".test"}}) {
        const HandlePolicy overlapping(domains, PunycodeHandles::refused);
        const auto refusal_of = [&](std::string_view handle) {
            return name_of(overlapping.check_service_handle(testing::handle_of(handle)));
        };
        EXPECT_EQ(refusal_of("alice.pds.test"), "");
        EXPECT_EQ(refusal_of("alice.test"), "");
        EXPECT_EQ(refusal_of("alice.other.test"), "InvalidHandle");
        EXPECT_EQ(refusal_of("admin.pds.test"), "HandleNotAvailable");
    }
}

TEST(HandlePolicy, AServiceDomainItselfIsOursToo) {
    const HandlePolicy one({".pds.test"}, PunycodeHandles::refused);
    for (const std::string_view handle : {"alice.pds.test", "a.b.pds.test", "pds.test"})
        EXPECT_TRUE(one.is_ours(testing::handle_of(handle))) << handle;
    for (const std::string_view handle : {"pds.example", "other-pds.test", "alice.test"})
        EXPECT_FALSE(one.is_ours(testing::handle_of(handle))) << handle;
}

TEST(HandlePolicy, AnAdministratorMayGiveReservedLabels) {
    const HandlePolicy one({".pds.test"}, PunycodeHandles::refused);
    const auto refusal_of = [&](std::string_view handle) {
        return name_of(
            one.check_service_handle(testing::handle_of(handle), ReservedLabels::allowed));
    };
    EXPECT_EQ(refusal_of("admin.pds.test"), "");
    EXPECT_EQ(refusal_of("ad.pds.test"), "InvalidHandle") << "form is form";
}

TEST(HandlePolicy, KeepsReservedLabels) {
    for (const std::string_view label :
         {"admin", "root", "www", "postmaster", "abuse", "xrpc", "atproto", "mta-sts", "wpad",
          "autodiscover", "support", "roost", "localhost", "well-known", "noreply", "about"})
        EXPECT_EQ(service_refusal(std::string(label) + ".pds.test"), "HandleNotAvailable") << label;
    EXPECT_TRUE(is_reserved_label("xrpc"));
    EXPECT_FALSE(is_reserved_label("alice"));
    EXPECT_FALSE(is_reserved_label(""));
    EXPECT_EQ(service_refusal("admin2.pds.test"), "") << "only the whole label is reserved";
}

}  // namespace
}  // namespace roost::pds
