// What the tests of the rooms that speak HTTP share: requests without a socket, and a corridor with
// real sessions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "atproto/lexicon/catalog.h"
#include "lexicon/embedded_documents.h"
#include "net/http.h"
#include "pds/testing.h"
#include "pds/testing_network.h"
#include "xrpc/auth.h"
#include "xrpc/router.h"

namespace roost::xrpc::testing {

class FakeBody final : public net::Body {
  public:
    std::string text;
    bool is_chunked = false;
    int reads = 0;

    std::optional<std::uint64_t> declared_size() const override {
        return is_chunked ? std::nullopt : std::optional<std::uint64_t>(text.size());
    }
    Task<Result<std::string_view>> read_some() override { co_return std::string_view(text); }
    Task<Result<std::string>> read_all(std::size_t max_bytes) override {
        ++reads;
        if (text.size() > max_bytes)
            co_return Error{Fault::payload_too_large, "PayloadTooLarge", "too large"};
        co_return text;
    }
};

// A request that owns what its views point to.
class TestRequest {
  public:
    explicit TestRequest(std::string target, net::Method method = net::Method::get,
                         std::string method_text = "GET")
        : target_(std::move(target)), method_text_(std::move(method_text)) {
        request_.method = method;
        request_.peer = *net::IpAddress::parse("203.0.113.7");
    }
    static TestRequest post(std::string target) {
        return TestRequest(std::move(target), net::Method::post, "POST");
    }
    TestRequest& with(std::string name, std::string value) {
        texts_.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    TestRequest& with_json(std::string json, std::string type = "application/json") {
        body.text = std::move(json);
        return with("Content-Type", std::move(type));
    }
    TestRequest& from(std::string_view address) {
        request_.peer = *net::IpAddress::parse(address);
        return *this;
    }
    net::Request& get() {
        headers_.clear();
        for (const auto& [name, value] : texts_)
            headers_.push_back({name, value});
        request_.headers = headers_;
        request_.method_text = method_text_;
        request_.target = target_;
        const std::string_view target = target_;
        const std::size_t mark = target.find('?');
        request_.path = target.substr(0, mark);
        request_.query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
        request_.body = &body;
        return request_;
    }

    FakeBody body;

  private:
    std::string target_;
    std::string method_text_;
    std::vector<std::pair<std::string, std::string>> texts_;
    std::vector<net::Header> headers_;
    net::Request request_;
};

// The value of a header of an answer; "" if it is absent.
inline std::string header_of(const net::Response& response, std::string_view name) {
    const std::string lines = "\r\n" + response.header_lines();
    const std::string start = "\r\n" + std::string(name) + ": ";
    const std::size_t found = lines.find(start);
    if (found == std::string::npos) return "";
    const std::size_t begin = found + start.size();
    return lines.substr(begin, lines.find("\r\n", begin) - begin);
}

class CountingObserver final : public CallObserver {
  public:
    void on_call(const Call& call, int status, std::int64_t) override {
        calls.emplace_back(call.nsid, status);
    }
    std::vector<std::pair<std::string, int>> calls;
};

// A database with an account, and all that judges credentials.
class CorridorBed : public pds::testing::TestDatabase {
  public:
    explicit CorridorBed(AdminFrom admin_from = AdminFrom::anywhere,
                         std::optional<atproto::Did> moderator_did = std::nullopt)
        : authenticator(sessions, tokens, resolver, rates,
                        {.admin_password = SecretText("admin's password"),
                         .admin_from = admin_from,
                         .service_did = service_did,
                         .moderator_did = std::move(moderator_did)}) {}

    pds::TokenPair open(pds::Scope scope) {
        return write(
            [&](db::Transaction& t) { return sessions.open(t, ann, scope, std::nullopt, now()); });
    }

    lexicon::Catalog catalog =
        pds::testing::must(lexicon::Catalog::of(lexicon::embedded_documents()));
    atproto::Did service_did = pds::testing::did_of("did:web:pds.test");
    pds::testing::FakeNetwork network;
    pds::PlcClient plc{network, std::string(pds::testing::plc_url)};
    pds::Resolver resolver{
        network, plc, {.timeout_ms = 1'000, .ages = {.stale_ms = 60'000, .max_ms = 120'000}}};
    pds::Tokens tokens{SecretText("a secret of the test"), service_did};
    pds::Sessions sessions{db(), tokens};
    RateLimiter rates;
    Authenticator authenticator;
    CountingObserver observer;
    pds::Account ann = add_account("ann.test");
};

}  // namespace roost::xrpc::testing
