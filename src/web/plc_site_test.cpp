#include "web/plc_site.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "atproto/data/json.h"
#include "atproto/plc/operation.h"
#include "xrpc/testing.h"

namespace roost::web {
namespace {

namespace plc = atproto::plc;
using xrpc::testing::TestRequest;

class PlcSiteTest : public ::testing::Test {
  protected:
    net::Response get(const std::string& path) {
        TestRequest request(path);
        return bed_.loop.run(site_.handle(request.get()));
    }
    int post(const std::string& path, const std::string& body) {
        TestRequest request = TestRequest::post(path);
        request.with_json(body);
        return bed_.loop.run(site_.handle(request.get())).status;
    }
    int submit(const plc::Operation& operation) {
        return post("/" + did_, atproto::json::write(operation.value()));
    }
    static atproto::Value json_of(const net::Response& response) {
        return pds::testing::must(atproto::json::parse(response.body));
    }

    pds::testing::TestDatabase bed_;
    pds::PlcDirectory directory_{bed_.db()};
    PlcSite site_{directory_};
    atproto::PrivateKey key_ = atproto::PrivateKey::generate(atproto::Curve::k256);
    plc::State state_ = plc::make_state(pds::testing::handle_of("ann.test"), key_.public_key(),
                                        "https://pds.test", {key_.public_key()});
    plc::Operation genesis_ = plc::Operation::sign(state_, std::nullopt, key_);
    std::string did_ = genesis_.make_did().text();
};

TEST_F(PlcSiteTest, TakesAnOperationAndServesTheDocument) {
    EXPECT_EQ(get("/" + did_).status, 404);
    EXPECT_EQ(submit(genesis_), 200);
    const net::Response document = get("/" + did_);
    EXPECT_EQ(document.status, 200);
    EXPECT_EQ(document.content_type, "application/did+ld+json; charset=utf-8");
    EXPECT_EQ(json_of(document), atproto::format_did_document(pds::testing::did_of(did_), state_));
    const net::Response data = get("/" + did_ + "/data");
    const atproto::Value value = json_of(data);
    EXPECT_EQ(*value.as<atproto::Object>()->find("alsoKnownAs"),
              atproto::Value(atproto::Array{"at://ann.test"}));
}

TEST_F(PlcSiteTest, ServesTheLogInItsForms) {
    ASSERT_EQ(submit(genesis_), 200);
    EXPECT_EQ(json_of(get("/" + did_ + "/log")), atproto::Value(atproto::Array{genesis_.value()}));
    EXPECT_EQ(json_of(get("/" + did_ + "/log/last")), genesis_.value());
    const atproto::Value audit = json_of(get("/" + did_ + "/log/audit"));
    const auto& entry = *audit.as<atproto::Array>()->at(0).as<atproto::Object>();
    EXPECT_EQ(*entry.find("cid"), atproto::Value(genesis_.cid().text()));
    EXPECT_EQ(*entry.find("nullified"), atproto::Value(false));
    EXPECT_EQ(*entry.find("did"), atproto::Value(did_));
    EXPECT_EQ(get("/" + did_ + "/log/none").status, 404);
}

TEST_F(PlcSiteTest, RefusesWhatIsNoOperation) {
    EXPECT_EQ(post("/" + did_, "{}"), 400);
    EXPECT_EQ(post("/" + did_, "nonsense"), 400);
    EXPECT_EQ(post("/" + did_, std::string(17 * 1024, ' ')), 400);
    EXPECT_EQ(post("/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", atproto::json::write(genesis_.value())),
              400);
    EXPECT_EQ(post("/did:web:ann.test", atproto::json::write(genesis_.value())), 404);
    EXPECT_EQ(post("/nonsense", "{}"), 404);
    EXPECT_EQ(post("/" + did_ + "/log", atproto::json::write(genesis_.value())), 404);
}

TEST_F(PlcSiteTest, ATombstoneIsGone) {
    ASSERT_EQ(submit(genesis_), 200);
    ASSERT_EQ(submit(plc::Operation::sign_tombstone(genesis_.cid(), key_)), 200);
    EXPECT_EQ(get("/" + did_).status, 410);
    EXPECT_EQ(get("/" + did_ + "/data").status, 410);
    EXPECT_EQ(get("/" + did_ + "/log").status, 200);
}

TEST_F(PlcSiteTest, ExportsLines) {
    ASSERT_EQ(submit(genesis_), 200);
    const net::Response all = get("/export");
    EXPECT_EQ(all.content_type, "application/jsonlines");
    EXPECT_EQ(std::ranges::count(all.body, '\n'), 1);
    EXPECT_EQ(get("/export?after=2999-01-01T00:00:00.000Z").body, "");
    EXPECT_EQ(get("/export?after=yesterday").status, 400);
    EXPECT_EQ(get("/export?count=-5&after=2000-01-01T00%3A00%3A00.000Z").status, 200);
    EXPECT_EQ(get("/_health").status, 200);
}

}  // namespace
}  // namespace roost::web
