#include "pds/accounts/identities.h"

#include <gtest/gtest.h>

#include "pds/testing_sign_up.h"

namespace roost::pds {
namespace {

using testing::did_of;
using testing::handle_of;
using testing::must;

class IdentitiesTest : public ::testing::Test {
  protected:
    std::string did(std::string_view handle, Freshness freshness = Freshness::asked_now) {
        const auto found = bed_.loop.run(identities_.did_of(handle_of(handle), freshness));
        return found.has_value() ? found->text() : found.error().name;
    }
    // The handle that an identity has, "none", or the error's name.
    std::string handle(const std::string& identifier) {
        const auto found = bed_.loop.run(identities_.identity_of(identifier, Freshness::asked_now));
        if (!found.has_value()) return found.error().name;
        return found->handle ? found->handle->text() : "none";
    }
    // An identity elsewhere, whose document names that handle.
    void publish(std::string_view did_text, std::string_view handle_text) {
        bed_.network.publish(
            did_of(did_text),
            atproto::plc::make_state(handle_of(handle_text), bed_.rotation_key.public_key(),
                                     "https://elsewhere.test", {bed_.rotation_key.public_key()}),
            bed_.rotation_key);
    }

    testing::SignUpBed bed_;
    Account ann_ = must(bed_.create(bed_.request("ann"))).account;
    Identities identities_{bed_.db(), bed_.handles, bed_.resolver};
};

constexpr std::string_view other = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";

TEST_F(IdentitiesTest, OurOwnAccountsGoFirst) {
    EXPECT_EQ(did("ann.pds.test"), ann_.did.text());
    EXPECT_EQ(did("nobody.pds.test"), "HandleNotFound");
    EXPECT_EQ(did("pds.test"), "HandleNotFound");
    for (const net::ClientRequest& request : bed_.network.requests)
        EXPECT_TRUE(request.url.starts_with(testing::plc_url)) << "nobody else knows more";
    bed_.network.txt["_atproto.bob.net"] = {"did=" + std::string(other)};
    EXPECT_EQ(did("bob.net"), other);
    EXPECT_EQ(did("carl.net"), "HandleNotFound");
}

TEST_F(IdentitiesTest, ASleepingAccountIsNotFoundHereButOnItsOwnDomain) {
    bed_.write([&](db::Transaction& t) {
        account_store::set_handle(t, ann_.id, handle_of("ann.net"));
        account_store::set_deactivated(t, ann_.id, now(), std::nullopt);
    });
    EXPECT_EQ(did("ann.net"), "HandleNotFound");
    bed_.network.txt["_atproto.ann.net"] = {"did=" + std::string(other)};
    EXPECT_EQ(did("ann.net"), other);
    bed_.write([&](db::Transaction& t) {
        account_store::set_handle(t, ann_.id, handle_of("ann.pds.test"));
    });
    EXPECT_EQ(did("ann.pds.test"), "HandleNotFound");
}

TEST_F(IdentitiesTest, BothMustNameEachOther) {
    EXPECT_EQ(handle(ann_.did.text()), "ann.pds.test");
    EXPECT_EQ(handle("ANN.pds.test"), "ann.pds.test");
    publish(other, "bob.net");
    EXPECT_EQ(handle(std::string(other)), "none") << "the domain says nothing";
    bed_.network.txt["_atproto.bob.net"] = {"did=" + std::string(other)};
    EXPECT_EQ(handle(std::string(other)), "bob.net");
    bed_.network.txt["_atproto.bob.net"] = {"did=" + ann_.did.text()};
    EXPECT_EQ(handle(std::string(other)), "none");
    EXPECT_EQ(handle("bob.net"), "ann.pds.test") << "the domain names ann, who does not name it";
    publish(other, "ann.pds.test");
    EXPECT_EQ(handle(std::string(other)), "none") << "somebody else's";
}

TEST_F(IdentitiesTest, SaysWhatThereIsNot) {
    EXPECT_EQ(handle("did:plc:cccccccccccccccccccccccc"), "DidNotFound");
    EXPECT_EQ(handle("nobody.net"), "HandleNotFound");
    bed_.network.operations[ann_.did.text()] = atproto::json::write(
        atproto::plc::Operation::sign_tombstone(
            must(bed_.loop.run(bed_.plc.last_operation(ann_.did)))->cid(), bed_.rotation_key)
            .value());
    EXPECT_EQ(handle(ann_.did.text()), "DidDeactivated");
    bed_.network.plc = testing::FakeNetwork::Plc::is_unreachable;
    EXPECT_EQ(handle(std::string(other)), "UpstreamFailure");
}

}  // namespace
}  // namespace roost::pds
