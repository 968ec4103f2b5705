#include "xrpc/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "lexicon/com/atproto/admin/getInviteCodes.h"
#include "lexicon/com/atproto/identity/resolveHandle.h"
#include "lexicon/com/atproto/server/deleteSession.h"
#include "lexicon/com/atproto/server/reserveSigningKey.h"
#include "xrpc/limits.h"
#include "xrpc/testing.h"

namespace roost::xrpc {
namespace {

namespace resolve = lexicon::com::atproto::identity::resolveHandle;
namespace reserve = lexicon::com::atproto::server::reserveSigningKey;
namespace remove = lexicon::com::atproto::server::deleteSession;
namespace codes = lexicon::com::atproto::admin::getInviteCodes;
using testing::header_of;
using testing::TestRequest;

constexpr std::string_view resolve_path = "/xrpc/com.atproto.identity.resolveHandle";
constexpr std::string_view reserve_path = "/xrpc/com.atproto.server.reserveSigningKey";
constexpr std::string_view delete_path = "/xrpc/com.atproto.server.deleteSession";
constexpr std::string_view codes_path = "/xrpc/com.atproto.admin.getInviteCodes";

Task<Result<resolve::Output>> answer_resolve(Call&, resolve::Params params) {
    if (params.handle.text() == "throws.test") throw std::runtime_error("a secret reason");
    co_return resolve::Output{.did = pds::testing::did_of("did:web:" + params.handle.text())};
}
Task<Result<reserve::Output>> answer_reserve(Call&, reserve::Input input) {
    co_return reserve::Output{.signingKey = input.did ? input.did->text() : "none"};
}
Task<Result<lexicon::NoOutput>> answer_delete(Call&, lexicon::NoInput) {
    co_return lexicon::NoOutput();
}
Task<Result<codes::Output>> answer_codes(Call&, codes::Params params) {
    co_return Error::invalid(params.sort + " " + std::to_string(params.limit), "Echo");
}

class RouterTest : public ::testing::Test {
  protected:
    void start(Router::Options options = {}, Rule reserve_rule = {}) {
        router_ = std::make_unique<Router>(bed_.catalog, bed_.authenticator, bed_.rates,
                                           bed_.observer, std::move(options));
        router_->add<resolve::Method>({}, answer_resolve);
        router_->add<reserve::Method>(std::move(reserve_rule), answer_reserve);
        router_->add<remove::Method>({}, answer_delete);
        router_->add<codes::Method>({}, answer_codes);
    }
    net::Response send(TestRequest& request) {
        return bed_.loop.run(router_->handle(request.get()));
    }
    net::Response send(TestRequest&& request) { return send(request); }
    net::Response get(std::string_view path, const std::string& query = "") {
        return send(TestRequest(std::string(path) + query));
    }
    net::Response post(std::string_view path, const std::string& json,
                       const std::string& type = "application/json") {
        return send(TestRequest::post(std::string(path)).with_json(json, type));
    }
    static std::string error_of(const net::Response& response) {
        const auto body = atproto::json::parse(response.body);
        const auto* object = body.has_value() ? body->as<atproto::Object>() : nullptr;
        const atproto::Value* error = object != nullptr ? object->find("error") : nullptr;
        return std::to_string(response.status) + " " +
               (error != nullptr ? *error->as<std::string>() : "none");
    }

    testing::CorridorBed bed_;
    std::unique_ptr<Router> router_;
};

TEST_F(RouterTest, AnswersAQueryAndAProcedure) {
    start();
    net::Response response = get(resolve_path, "?handle=Ann.Test");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
    EXPECT_EQ(response.body, R"({"did":"did:web:ann.test"})");
    response = post(reserve_path, R"({"did":"did:web:a.test"})");
    EXPECT_EQ(response.body, R"({"signingKey":"did:web:a.test"})");
    response = send(TestRequest::post(std::string(delete_path)));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "");
    EXPECT_EQ(response.body, "");
    using Calls = std::vector<std::pair<std::string, int>>;
    EXPECT_EQ(bed_.observer.calls, (Calls{{"com.atproto.identity.resolveHandle", 200},
                                          {"com.atproto.server.reserveSigningKey", 200},
                                          {"com.atproto.server.deleteSession", 200}}));
}

TEST_F(RouterTest, TheWrongMethodIs405AndNamed) {
    start();
    const net::Response query = post(resolve_path, "{}");
    EXPECT_EQ(error_of(query), "405 InvalidRequest");
    EXPECT_NE(query.body.find("Incorrect HTTP method (POST) expected GET"), std::string::npos);
    const net::Response procedure = get(reserve_path);
    EXPECT_EQ(error_of(procedure), "405 InvalidRequest");
    EXPECT_NE(procedure.body.find("Incorrect HTTP method (GET) expected POST"), std::string::npos);
    EXPECT_EQ(error_of(send(TestRequest(std::string(reserve_path), net::Method::put, "PUT"))),
              "405 InvalidRequest");
    EXPECT_EQ(
        send(TestRequest(std::string(resolve_path) + "?handle=ann.test", net::Method::get, "HEAD"))
            .status,
        200);
}

TEST_F(RouterTest, WhatIsNotServedIs501AndWhatIsNoMethod400) {
    start();
    EXPECT_EQ(error_of(get("/xrpc/com.atproto.server.noSuchMethod")), "501 MethodNotImplemented");
    EXPECT_EQ(error_of(get("/xrpc/com.atproto.server.getSession")), "501 MethodNotImplemented");
    for (const std::string_view path :
         {"/xrpc/", "/xrpc/x", "/xrpc/com.atproto.server.getSession/",
          "/xrpc/com.atproto..getSession", "/xrpc/../etc/passwd",
          "/xrpc/com%2Eatproto.server.getSession", "/xrpc/com.atproto.server.get-session"})
        EXPECT_EQ(error_of(get(path)), "400 InvalidRequest") << path;
    EXPECT_EQ(bed_.observer.calls.front(),
              (std::pair<std::string, int>("com.atproto.server.noSuchMethod", 501)));
    EXPECT_EQ(bed_.observer.calls.back(), (std::pair<std::string, int>("", 400)));
}

TEST_F(RouterTest, ChecksParameters) {
    start();
    for (const std::string query :
         {"", "?", "?handle=", "?handle=nonsense", "?handle=a.test&handle=b.test", "?x=1",
          "?handle=%zz", "?handle=ann.test%00"})
        EXPECT_EQ(error_of(get(resolve_path, query)), "400 InvalidRequest") << query;
    EXPECT_EQ(get(resolve_path, "?handle=ann%2Etest").status, 200);
    EXPECT_NE(get(codes_path).body.find("recent 100"), std::string::npos) << "defaults";
    EXPECT_NE(get(codes_path, "?limit=").body.find("recent 100"), std::string::npos);
    EXPECT_NE(get(codes_path, "?limit=7&sort=usage").body.find("usage 7"), std::string::npos);
    for (const std::string limit :
         {"0", "501", "-1", "x", "1.5", "99999999999999999999", "1e2", "%D9%A1", "0x10"})
        EXPECT_EQ(error_of(get(codes_path, "?limit=" + limit)), "400 InvalidRequest") << limit;
}

TEST_F(RouterTest, ChecksContentTypes) {
    start();
    const std::string body = R"({"did":"did:web:a.test"})";
    EXPECT_EQ(post(reserve_path, body, "application/json; charset=utf-8").status, 200);
    EXPECT_EQ(post(reserve_path, body, "Application/JSON").status, 200);
    for (const std::string type : {"text/plain", "application/x-www-form-urlencoded",
                                   "application/jsonp", "json", "", "*/*"})
        EXPECT_EQ(error_of(post(reserve_path, body, type)), "400 InvalidRequest") << type;
    TestRequest untyped = TestRequest::post(std::string(reserve_path));
    untyped.body.text = body;
    EXPECT_EQ(error_of(send(untyped)), "400 InvalidRequest");
    EXPECT_EQ(untyped.body.reads, 0) << "refused before the body is read";
}

TEST_F(RouterTest, ChecksBodies) {
    start();
    for (const std::string body :
         {"{", "nonsense", "[]", "null", "\"x\"", R"({"did":1})", R"({"did":"nonsense"})",
          R"({"did":"did:web:a.test"}x)", R"({"did":"did:web:a.test","did":"did:web:b.test"})",
          "\xff", R"({"x":1.5})"})
        EXPECT_EQ(error_of(post(reserve_path, body)), "400 InvalidRequest") << body;
    EXPECT_EQ(post(reserve_path, R"({"unknown":"member"})").status, 200);
    const net::Response none = post(reserve_path, "");
    EXPECT_EQ(error_of(none), "400 InvalidRequest");
    EXPECT_NE(none.body.find("A request body is expected but none was provided"),
              std::string::npos);
    const net::Response unexpected = post(delete_path, "{}");
    EXPECT_EQ(error_of(unexpected), "400 InvalidRequest");
    EXPECT_NE(unexpected.body.find("A request body was provided when none was expected"),
              std::string::npos);
    EXPECT_EQ(post(delete_path, "").status, 200);
}

TEST_F(RouterTest, OversizeIs413) {
    start();
    const std::string head = R"({"x":")";
    const std::string fits =
        head + std::string(limits::json_body_bytes_max - head.size() - 2, 'x') + "\"}";
    EXPECT_EQ(post(reserve_path, fits).status, 200);
    EXPECT_EQ(post(reserve_path, fits + " ").status, 413);
    EXPECT_EQ(post(delete_path, std::string(limits::json_body_bytes_max + 1, 'x')).status, 413);
}

TEST_F(RouterTest, AnExceptionIsA500ThatTellsNothing) {
    start();
    const net::Response response = get(resolve_path, "?handle=throws.test");
    EXPECT_EQ(error_of(response), "500 InternalServerError");
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
}

TEST_F(RouterTest, CredentialsComeBeforeTheBody) {
    start({}, {.needs = Needs::full_access});
    TestRequest request = TestRequest::post(std::string(reserve_path));
    request.with_json("nonsense");
    const net::Response refused = send(request);
    EXPECT_EQ(error_of(refused), "401 AuthMissing");
    EXPECT_EQ(request.body.reads, 0);
    EXPECT_EQ(header_of(refused, "Cache-Control"), "");
    request.with("Authorization", "Bearer " + bed_.open(pds::Scope::access).access_jwt);
    const net::Response known = send(request);
    EXPECT_EQ(error_of(known), "400 InvalidRequest");
    EXPECT_EQ(header_of(known, "Cache-Control"), "private");
    EXPECT_EQ(header_of(known, "Vary"), "Authorization");
}

Router::Options limited() {
    return {.rate_limits = RateLimits::on};
}

TEST_F(RouterTest, LimitsOffSendNoHeaders) {
    start({}, {.limits = {{.points = 1, .window_s = 60}}});
    for (int i = 0; i < 3; ++i) {
        const net::Response response = post(reserve_path, "{}");
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(header_of(response, "RateLimit-Limit"), "");
    }
}

TEST_F(RouterTest, AMethodsLimitIsToldAndKept) {
    start(limited(), {.limits = {{.points = 2, .window_s = 60}, {.points = 100, .window_s = 600}}});
    EXPECT_EQ(header_of(get(resolve_path, "?handle=a.test"), "RateLimit-Policy"), "3000;w=300");
    const net::Response first = post(reserve_path, "{}");
    EXPECT_EQ(header_of(first, "RateLimit-Limit"), "2") << "the tightest counts";
    EXPECT_EQ(header_of(first, "RateLimit-Remaining"), "1");
    EXPECT_EQ(header_of(first, "RateLimit-Policy"), "2;w=60");
    post(reserve_path, "{}");
    const net::Response third = post(reserve_path, "{}");
    EXPECT_EQ(error_of(third), "429 RateLimitExceeded");
    EXPECT_NE(header_of(third, "Retry-After"), "");
    EXPECT_EQ(header_of(third, "RateLimit-Remaining"), "0");
    EXPECT_EQ(send(TestRequest::post(std::string(reserve_path)).with_json("{}").from("203.0.113.8"))
                  .status,
              200)
        << "another address";
    EXPECT_EQ(get(resolve_path, "?handle=a.test").status, 200) << "another method";
}

TEST_F(RouterTest, AnArgumentIsCountedInAnySpelling) {
    start(limited(), {.limits = {{.points = 2,
                                  .window_s = 60,
                                  .count_by = CountBy::argument_and_address,
                                  .argument = "did"}}});
    post(reserve_path, R"({"did":"did:web:ann.test"})");
    post(reserve_path, R"({"did":"did:web:ANN.test"})");
    EXPECT_EQ(post(reserve_path, R"({"did":"did:web:Ann.Test"})").status, 429);
    EXPECT_EQ(post(reserve_path, R"({"did":"did:web:bob.test"})").status, 200);
}

TEST_F(RouterTest, AnAccountIsCountedWhereverItIs) {
    start(limited(), {.needs = Needs::full_access,
                      .limits = {{.points = 1, .window_s = 60, .count_by = CountBy::account}}});
    const std::string token = "Bearer " + bed_.open(pds::Scope::access).access_jwt;
    const auto call_from = [&](std::string_view address) {
        return send(TestRequest::post(std::string(reserve_path))
                        .with_json("{}")
                        .with("Authorization", token)
                        .from(address))
            .status;
    };
    EXPECT_EQ(call_from("203.0.113.7"), 200);
    EXPECT_EQ(call_from("203.0.113.8"), 429);
}

// What `did` is long costs so much.
std::int64_t length_of_did(const atproto::Object& input) {
    return std::ssize(*input.find("did")->as<std::string>());
}

TEST_F(RouterTest, ACallCostsWhatItsInputSays) {
    start(limited(), {.limits = {{.points = 30, .window_s = 60, .cost = length_of_did}}});
    const auto remaining = [](const net::Response& response) {
        return std::to_string(response.status) + " " + header_of(response, "RateLimit-Remaining");
    };
    EXPECT_EQ(remaining(post(reserve_path, R"({"did":"did:web:ann.test"})")), "200 14");
    EXPECT_EQ(remaining(post(reserve_path, R"({"did":"did:web:anna.test"})")), "429 14")
        << "what does not fit takes nothing";
    EXPECT_EQ(remaining(post(reserve_path, R"({"did":"did:web:a.test"})")), "200 0");
}

TEST_F(RouterTest, LimitsOfOneNameAreSharedByMethods) {
    const auto rule = [](std::int64_t points, std::string_view name, CallCost cost) {
        return Rule{
            .limits = {{.points = points, .window_s = 60, .shared_name = name, .cost = cost}}};
    };
    start(limited(), rule(5, "both", [](const atproto::Object&) -> std::int64_t { return 3; }));
    Router other(bed_.catalog, bed_.authenticator, bed_.rates, bed_.observer, limited());
    other.add<remove::Method>(
        rule(5, "both", [](const atproto::Object&) -> std::int64_t { return 2; }), answer_delete);
    const auto erase = [&] {
        TestRequest request = TestRequest::post(std::string(delete_path));
        return bed_.loop.run(other.handle(request.get())).status;
    };
    EXPECT_EQ(post(reserve_path, "{}").status, 200);
    EXPECT_EQ(post(reserve_path, "{}").status, 429);
    EXPECT_EQ(erase(), 200);
    EXPECT_EQ(erase(), 429);
}

TEST_F(RouterTest, AMethodMayTakeLargerBodies) {
    start({}, {.body_bytes_max = limits::record_body_bytes_max});
    const std::string head = R"({"x":")";
    const std::string fits =
        head + std::string(limits::record_body_bytes_max - head.size() - 2, 'x') + "\"}";
    EXPECT_EQ(post(reserve_path, fits).status, 200);
    EXPECT_EQ(post(reserve_path, fits + " ").status, 413);
}

TEST_F(RouterTest, KnownKeysAndAddressesAreNotLimited) {
    Router::Options options = limited();
    options.bypass_key = SecretText("let me by");
    options.is_bypassed = [](const net::IpAddress& address) {
        return address == *net::IpAddress::parse("198.51.100.1");
    };
    start(std::move(options), {.limits = {{.points = 1, .window_s = 60}}});
    const auto call = [&](std::string_view address, const std::string& key) {
        return send(TestRequest::post(std::string(reserve_path))
                        .with_json("{}")
                        .with("x-ratelimit-bypass", key)
                        .from(address))
            .status;
    };
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(call("198.51.100.1", ""), 200);
        EXPECT_EQ(call("203.0.113.7", "let me by"), 200);
    }
    EXPECT_EQ(call("203.0.113.7", "let me b"), 200);
    EXPECT_EQ(call("203.0.113.7", ""), 429);
    EXPECT_EQ(call("203.0.113.7", "let me by "), 429);
}

TEST_F(RouterTest, ForwardedAddressesAreBelievedOfOurProxiesOnly) {
    Router::Options options;
    options.is_trusted_proxy = [](const net::IpAddress& address) {
        return address == *net::IpAddress::parse("10.0.0.1") ||
               address == *net::IpAddress::parse("10.0.0.2");
    };
    start(std::move(options));
    const auto client = [&](std::string_view peer, std::vector<std::string> lines) {
        TestRequest request("/");
        request.from(peer);
        for (std::string& line : lines)
            request.with("X-Forwarded-For", std::move(line));
        return router_->client_address(request.get()).text();
    };
    EXPECT_EQ(client("203.0.113.7", {"198.51.100.9"}), "203.0.113.7") << "not a proxy";
    EXPECT_EQ(client("10.0.0.1", {}), "10.0.0.1");
    EXPECT_EQ(client("10.0.0.1", {"198.51.100.9"}), "198.51.100.9");
    EXPECT_EQ(client("10.0.0.1", {"6.6.6.6, 198.51.100.9"}), "198.51.100.9")
        << "the left part is the client's invention";
    EXPECT_EQ(client("10.0.0.1", {"6.6.6.6", "198.51.100.9"}), "198.51.100.9")
        << "the proxy appended a line";
    EXPECT_EQ(client("10.0.0.1", {"6.6.6.6,10.0.0.2,198.51.100.9,10.0.0.2"}), "198.51.100.9");
    EXPECT_EQ(client("10.0.0.1", {"10.0.0.2"}), "10.0.0.2");
    EXPECT_EQ(client("10.0.0.1", {"2001:db8::1"}), "2001:db8::1");
    for (const std::string odd : {"unknown", "", ",", "198.51.100.9:80", "6.6.6.6, ", "<x>"})
        EXPECT_EQ(client("10.0.0.1", {odd}), "10.0.0.1") << odd;
}

TEST_F(RouterTest, NobodyIsBelievedWithoutProxies) {
    start();
    TestRequest request("/");
    request.from("10.0.0.1").with("X-Forwarded-For", "198.51.100.9");
    EXPECT_EQ(router_->client_address(request.get()).text(), "10.0.0.1");
}

TEST_F(RouterTest, ListsItsMethodsAndTakesEachOnce) {
    start();
    EXPECT_EQ(router_->methods(),
              (std::vector<std::string_view>{
                  "com.atproto.admin.getInviteCodes", "com.atproto.identity.resolveHandle",
                  "com.atproto.server.deleteSession", "com.atproto.server.reserveSigningKey"}));
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // the database has threads
    EXPECT_DEATH(router_->add<resolve::Method>({}, answer_resolve), "a method is added once");
}

}  // namespace
}  // namespace roost::xrpc
