// Forwards calls to other servers, in the name of the account that calls.
//
// Only what is named here goes over: of the request its path, its body and a few headers, with a
// service token instead of the client's credentials; of the answer its status, its body and a few
// headers. Bodies are streamed, both ways. What goes wrong over there is 502 UpstreamFailure or
// 504 UpstreamTimeout. Made once; any thread of an HttpServer.
// https://atproto.com/specs/xrpc#service-proxying
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/http_client.h"
#include "pds/proxying/service_tokens.h"
#include "pds/proxying/services.h"
#include "xrpc/call.h"
#include "xrpc/forward_slots.h"

namespace roost::xrpc {

// What another server answered, as it is to be passed on.
struct Forwarded {
    net::Response response;
    // For who looks into it before:
    std::string repo_rev;  // the revision of the caller's repository that it has seen; may be empty
    std::string content_labelers;
    std::string content_encoding;
    std::string error_name;  // of a refusal, which is passed on as one of our own
    bool is_json = false;
    std::string error_message = {};
};

class Proxy {
  public:
    enum class Compressed { if_client_wants, preferred };
    struct Options {
        int headers_timeout_ms;
        int body_timeout_ms;  // of each piece
        std::uint64_t response_bytes_max;
        int retries_max;  // of a query that did not get through
        Compressed compressed;
    };
    Proxy(net::HttpClient& http, pds::RemoteServices& services, pds::ServiceTokens& tokens,
          Options options)
        : http_(http), services_(services), tokens_(tokens), options_(options) {}

    // Whether there is anybody to forward the call to: the client names a service, or the method
    // has one by default.
    bool has_target(const Call& call) const;
    // Errors: those of RemoteServices::named() and ForwardSlots::take().
    Task<Result<pds::RemoteService>> target(const Call& call);
    pds::RemoteServices& services() const { return services_; }

    // A call of a method that is not served here, by an account, as it is. Errors: InvalidToken, if
    // the method is not to be forwarded for this caller; those of target() and ask().
    Task<Result<net::Response>> forward(Call& call);

    // The call with that body, to whom the client names or who answers it by default. Errors: those
    // of target() and ask().
    Task<Result<net::Response>> forward_json(Call& call, std::string json);

    // What to send, where it differs from the call.
    struct Order {
        std::optional<std::string> path = std::nullopt;      // with its query; else the call's
        std::optional<std::string> audience = std::nullopt;  // of the token; else the service's DID
        std::optional<std::string> method = std::nullopt;  // that the token names; else the call's
        std::optional<std::string> json = std::nullopt;    // instead of the body
        enum class As { caller, nobody } as = As::caller;  // whether there is a token
        // Whether the answer may be looked into, so that it must come as we can read it.
        enum class Answer { passed_on, looked_into } answer = Answer::passed_on;
    };
    // The call, sent to that service. In the account's name if the caller is one. Returns when the
    // head of the answer is here, or all of a refusal. Errors: Fault::upstream_failed
    // "UpstreamFailure", Fault::upstream_timeout "UpstreamTimeout"; those of ForwardSlots::take();
    // the client's body cannot be read.
    Task<Result<Forwarded>> ask(Call& call, pds::RemoteService service, Order order);

    // All of the answer, decompressed; its response has none then. Errors: as above.
    Task<Result<std::string>> read(Forwarded& answer);

  private:
    class Question;
    class AnswerBody;
    Task<Result<std::unique_ptr<net::ClientStream>>> open(Call& call, const Question& question);
    Task<Result<Forwarded>> pass_on(std::unique_ptr<net::ClientStream> stream,
                                    ForwardSlots::Slot slot, bool is_head);
    Task<Forwarded> refusal(std::unique_ptr<net::ClientStream> stream);

    net::HttpClient& http_;
    pds::RemoteServices& services_;
    pds::ServiceTokens& tokens_;
    const Options options_;
    ForwardSlots slots_;
};

}  // namespace roost::xrpc
