#include "web/site.h"

#include <gtest/gtest.h>

#include "pds/testing_mail.h"
#include "xrpc/testing.h"

namespace roost::web {
namespace {

using xrpc::testing::header_of;
using xrpc::testing::TestRequest;

// A database that answers, but cannot be written.
class FullDisk final : public db::Database {
  public:
    Result<std::unique_ptr<db::Snapshot>> open_snapshot() override {
        return Error::unavailable("no", 1);
    }
    Task<Result<void>> check_writable() override {
        co_return Error{Fault::insufficient_storage, "InsufficientStorage", "the disk is full"};
    }
    db::Stats stats() const override { return {}; }
    const db::RowVersions& row_versions() const override { return versions_; }

  private:
    Result<void> submit(std::shared_ptr<db::Write>) override { return Error::unavailable("no", 1); }
    void with_snapshot(const std::function<void(db::Transaction&)>&) override {}

    db::RowVersions versions_{{}};
};

class SiteTest : public ::testing::Test {
  protected:
    net::Response send(TestRequest& request) { return bed_.loop.run(site_.handle(request.get())); }
    net::Response get(std::string path) {
        TestRequest request(std::move(path));
        return send(request);
    }
    net::Response did_of_host(const std::string& host,
                              const std::string& path = "/.well-known/atproto-did") {
        TestRequest request(path);
        request.with("Host", host);
        return send(request);
    }

    xrpc::testing::CorridorBed bed_;
    pds::testing::TestMail mail_{bed_};
    xrpc::Router router_{bed_.catalog, bed_.authenticator, bed_.rates, bed_.observer, {}};
    pds::HandlePolicy handles_{{".test"}, pds::PunycodeHandles::refused};
    Site site_{router_,
               bed_.db(),
               handles_,
               mail_.queue(),
               {.version = "1.2.3",
                .service_did = "did:web:localhost%3A2583",
                .public_url = "http://localhost:2583"}};
};

TEST_F(SiteTest, HealthSaysTheVersion) {
    const net::Response response = get("/xrpc/_health");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, R"({"version":"1.2.3"})");
    EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
}

TEST_F(SiteTest, HealthIs503WhenNothingCanBeWritten) {
    FullDisk full;
    Site site(router_, full, handles_, mail_.queue(),
              {.version = "1.2.3", .service_did = {}, .public_url = {}});
    TestRequest request("/xrpc/_health");
    const net::Response response = bed_.loop.run(site.handle(request.get()));
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.body.find("the disk is full"), std::string::npos);
    EXPECT_NE(response.body.find("\"version\":\"1.2.3\""), std::string::npos);
}

TEST_F(SiteTest, ItsOwnDidDocumentByTheHostHeader) {
    const std::string path = "/.well-known/did.json";
    const net::Response response = did_of_host("LocalHost:2583", path);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body,
              R"({"@context":["https://www.w3.org/ns/did/v1"],"id":"did:web:localhost%3A2583",)"
              R"("service":[{"id":"#atproto_pds","type":"AtprotoPersonalDataServer",)"
              R"("serviceEndpoint":"http://localhost:2583"}]})");
    for (const std::string host : {"", "localhost", "localhost:2584", "ann.test"})
        EXPECT_EQ(did_of_host(host, path).status, 404) << host;
}

TEST_F(SiteTest, EveryAnswerMayBeReadByAnyOrigin) {
    for (const std::string path :
         {"/", "/robots.txt", "/xrpc/_health", "/nowhere", "/xrpc/com.atproto.server.nothing"})
        EXPECT_EQ(header_of(get(path), "Access-Control-Allow-Origin"), "*") << path;
    EXPECT_EQ(header_of(site_.error_response(431, "InvalidRequest", "too long"),
                        "Access-Control-Allow-Origin"),
              "*");
}

TEST_F(SiteTest, AnswersPreflights) {
    TestRequest request("/xrpc/com.atproto.server.getSession", net::Method::options, "OPTIONS");
    request.with("Access-Control-Request-Headers", "authorization,content-type");
    const net::Response response = send(request);
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Methods"),
              "GET,HEAD,PUT,PATCH,POST,DELETE");
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Headers"), "authorization,content-type");
    EXPECT_EQ(header_of(response, "Vary"), "Access-Control-Request-Headers");
    EXPECT_EQ(header_of(response, "Access-Control-Max-Age"), "86400");
}

TEST_F(SiteTest, ServesItsFewPages) {
    EXPECT_EQ(get("/").status, 200);
    EXPECT_NE(get("/").body.find("AT Protocol"), std::string::npos);
    EXPECT_NE(get("/robots.txt").body.find("User-agent: *"), std::string::npos);
    for (const std::string path : {"/nowhere", "/xrpc", "/robots.txt/", "/../etc/passwd",
                                   "/dev/mail", "/.well-known/", "/metrics"})
        EXPECT_EQ(get(path).status, 404) << path;
    TestRequest post("/", net::Method::post, "POST");
    EXPECT_EQ(send(post).status, 404);
    EXPECT_EQ(get("/xrpc/com.atproto.server.nothing").status, 501);
}

TEST_F(SiteTest, TellsTheDidOfAHandleHostedHere) {
    EXPECT_EQ(did_of_host("ann.test").body, bed_.ann.did.text());
    EXPECT_EQ(did_of_host("ANN.test:2583").body, bed_.ann.did.text());
    for (const std::string host : {"bob.test", "ann.example.com", "", "nonsense", "[::1]:80"})
        EXPECT_EQ(did_of_host(host).status, 404) << host;
    bed_.write([&](db::Transaction& t) {
        pds::account_store::set_deactivated(t, bed_.ann.id, Timestamp{1}, std::nullopt);
    });
    EXPECT_EQ(did_of_host("ann.test").status, 404);
}

TEST_F(SiteTest, ShowsTheOutboxInDevModeOnly) {
    Site dev(router_, bed_.db(), handles_, mail_.queue(),
             {.version = "1", .dev_pages = DevPages::on});
    TestRequest request("/dev/mail");
    EXPECT_EQ(bed_.loop.run(dev.handle(request.get())).content_type, "text/html; charset=utf-8");
    request.with("Accept", "application/json");
    EXPECT_EQ(bed_.loop.run(dev.handle(request.get())).content_type,
              "application/json; charset=utf-8");
}

}  // namespace
}  // namespace roost::web
