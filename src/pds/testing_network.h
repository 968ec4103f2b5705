// A network for tests: a PLC directory whose behaviour is scripted, web pages and DNS records. No
// socket is opened. Used on one RunLoop.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "atproto/data/json.h"
#include "atproto/plc/did_document.h"
#include "atproto/plc/operation.h"
#include "base/executor.h"
#include "net/http_client.h"
#include "pds/testing.h"

namespace roost::pds::testing {

inline constexpr std::string_view plc_url = "https://plc.example";

class FakeNetwork final : public net::HttpClient {
  public:
    enum class Plc {
        accepts,
        refuses,           // 400 with a reason
        fails,             // 500, nothing is kept
        loses_the_answer,  // keeps the operation, but the answer to it never arrives
        keeps_and_dies,    // the same, and then nothing can be asked
        is_unreachable,
    };
    Plc plc = Plc::accepts;
    int delay_ms = 0;
    std::map<std::string, std::string> operations;             // by DID, as they were submitted
    std::map<std::string, std::pair<int, std::string>> pages;  // by URL
    std::string content_type;                                  // of the pages
    std::map<std::string, std::vector<std::string>> txt;
    bool is_dns_down = false;
    std::map<std::string, std::vector<std::string>> backup_txt;
    std::vector<net::ClientRequest> requests;

    // The identity is known to the directory, with this state.
    void publish(const atproto::Did& did, const atproto::plc::State& state,
                 const atproto::PrivateKey& rotation_key) {
        const auto operation = atproto::plc::Operation::sign(state, std::nullopt, rotation_key);
        operations[did.text()] = atproto::json::write(operation.value());
    }

    Task<Result<net::ClientResponse>> send(net::ClientRequest request) override {
        requests.push_back(request);
        if (delay_ms > 0) co_await sleep_ms(delay_ms);
        if (request.url.starts_with(plc_url))
            co_return answer_plc(request, request.url.substr(plc_url.size() + 1));
        const auto page = pages.find(request.url);
        if (page == pages.end())
            co_return Error{Fault::upstream_failed, "UpstreamNotReached", "no such host"};
        net::ClientResponse found = response(page->second.first, page->second.second);
        if (!content_type.empty()) found.headers.emplace_back("content-type", content_type);
        co_return found;
    }
    Task<Result<std::unique_ptr<net::ClientStream>>> open(net::ClientRequest) override {
        co_return Error{Fault::upstream_failed, "UpstreamFailure", "nothing is streamed here"};
    }
    Task<Result<std::vector<std::string>>> resolve_txt(std::string name, int) override {
        if (is_dns_down) co_return Error{Fault::upstream_timeout, "UpstreamTimeout", "no answer"};
        const auto found = txt.find(name);
        co_return found == txt.end() ? std::vector<std::string>() : found->second;
    }
    Task<Result<std::vector<std::string>>> resolve_txt_by_backup(std::string name, int) override {
        const auto found = backup_txt.find(name);
        co_return found == backup_txt.end() ? std::vector<std::string>() : found->second;
    }

  private:
    static net::ClientResponse response(int status, std::string body) {
        net::ClientResponse answer;
        answer.status = status;
        answer.body = std::move(body);
        return answer;
    }
    Result<net::ClientResponse> answer_plc(const net::ClientRequest& request,
                                           const std::string& path) {
        const Error timeout{Fault::upstream_timeout, "UpstreamTimeout", "no answer in time"};
        if (plc == Plc::is_unreachable)
            return Error{Fault::upstream_failed, "UpstreamFailure", "connection refused"};
        if (request.method == net::Method::post) {
            if (plc == Plc::refuses) return response(400, R"({"message":"not like this"})");
            if (plc == Plc::fails) return response(500, "<html>oops</html>");
            operations[path] = request.body;
            has_died_ = plc == Plc::keeps_and_dies;
            if (plc != Plc::accepts) return timeout;
            return response(200, "");
        }
        if (plc == Plc::fails) return response(500, "<html>oops</html>");
        if (plc == Plc::keeps_and_dies && has_died_) return timeout;
        const std::string did = path.substr(0, path.find('/'));
        const auto known = operations.find(did);
        if (known == operations.end()) return response(404, R"({"message":"DID not registered"})");
        const auto operation =
            must(atproto::plc::Operation::parse(must(atproto::json::parse(known->second))));
        if (path.ends_with("/log/last")) return response(200, known->second);
        if (operation.kind() == atproto::plc::Kind::tombstone)
            return response(410, R"({"message":"DID not available"})");
        if (path == did)
            return response(200, atproto::json::write(
                                     atproto::format_did_document(did_of(did), operation.state())));
        return response(200, data_of(did, operation.state()));
    }
    static std::string data_of(const std::string& did, const atproto::plc::State& state) {
        atproto::Object methods;
        for (const auto& [name, key] : state.verification_methods)
            methods.set(name, key);
        atproto::Object services;
        for (const auto& [name, service] : state.services)
            services.set(name,
                         atproto::Object{{"type", service.type}, {"endpoint", service.endpoint}});
        return atproto::json::write(atproto::Object{
            {"did", did},
            {"rotationKeys",
             atproto::Array(state.rotation_keys.begin(), state.rotation_keys.end())},
            {"alsoKnownAs", atproto::Array(state.also_known_as.begin(), state.also_known_as.end())},
            {"verificationMethods", std::move(methods)},
            {"services", std::move(services)},
        });
    }

    bool has_died_ = false;
};

}  // namespace roost::pds::testing
