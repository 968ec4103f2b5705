// A server that answers everything with one small JSON document, to be driven from outside:
//
//     http_server_bench 18080 & wrk -t1 -c32 -d5s http://127.0.0.1:18080/x
//
// At the end (SIGINT, SIGTERM) it prints how much CPU a request cost. GET /stream is a chunked
// body, POST is read to its end. With two more arguments (certificate chain, key) it speaks TLS.
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "net/http_server.h"

namespace {

using namespace roost;

class Pieces final : public net::BodySource {
  public:
    Task<Result<std::string_view>> next() override {
        co_return left_-- > 0 ? std::string_view("a piece of the answer") : std::string_view();
    }

  private:
    int left_ = 10;
};

class Handler final : public net::RequestHandler {
  public:
    Task<net::Response> handle(net::Request& request) override {
        net::Response response;
        response.content_type = "application/json";
        response.add_header("Access-Control-Allow-Origin", "*");
        if (request.method == net::Method::post) {
            auto body = co_await request.body->read_all(1024 * 1024);
            if (!body) co_return error_response(400, body.error().name, body.error().message);
            response.body = R"({"size":)" + std::to_string(body->size()) + "}";
        } else if (request.path == "/stream") {
            response.source = std::make_unique<Pieces>();
        } else {
            response.body = R"({"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","handle":"atproto.com",)"
                            R"("email":"someone@example.org","emailConfirmed":true,"active":true})";
        }
        co_return response;
    }
    net::Response error_response(int status, std::string_view name,
                                 std::string_view message) override {
        net::Response response;
        response.status = status;
        response.content_type = "application/json";
        response.body.append(R"({"error":")").append(name).append(R"(","message":")");
        response.body.append(message).append("\"}");
        return response;
    }
};

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int count, char** arguments) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    Handler handler;
    net::ServerOptions options;
    options.port = static_cast<std::uint16_t>(count > 1 ? std::atoi(arguments[1]) : 18080);
    options.threads = 1;
    if (count > 3) options.tls = net::TlsFiles{arguments[2], arguments[3]};
    auto server = net::HttpServer::listen(options, handler);
    if (!server) {
        std::fprintf(stderr, "%s\n", server.error().message.c_str());
        return 1;
    }
    (*server)->start();
    const double cpu_before = cpu_seconds();
    int received = 0;
    sigwait(&signals, &received);
    const auto requests = (*server)->stats().requests_total;
    const double cpu_us = (cpu_seconds() - cpu_before) * 1e6;
    (*server)->stop(1'000);
    std::printf("%lld requests, %.2f us of CPU each\n", static_cast<long long>(requests),
                requests > 0 ? cpu_us / static_cast<double>(requests) : 0.0);
    return 0;
}
