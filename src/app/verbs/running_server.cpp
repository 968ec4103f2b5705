#include "app/verbs/running_server.h"

#include <filesystem>

#include "app/secrets_file.h"
#include "atproto/data/json.h"
#include "base/encoding.h"
#include "db/directory_lock.h"
#include "net/fetch_once.h"

namespace roost::app {

namespace {

// A sign-up waits for the PLC directory; the rest takes milliseconds.
constexpr int timeout_ms = 60'000;
// A page of invite codes with their uses is the longest.
constexpr std::size_t answer_bytes_max = 16 * 1024 * 1024;

std::string text_of(const atproto::Object& object, std::string_view name) {
    const atproto::Value* value = object.find(name);
    const auto* text = value != nullptr ? value->as<std::string>() : nullptr;
    return text != nullptr ? *text : std::string();
}

Task<void> send_one(net::HttpClient& client, net::ClientRequest request,
                    Result<net::ClientResponse>& response) {
    response = co_await client.send(std::move(request));
}

}  // namespace

std::string own_url(const Config& config) {
    const bool is_tls = !config.listen.tls_certificate_file.empty();
    std::string host = config.listen.addresses.empty() ? "127.0.0.1" : config.listen.addresses[0];
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    if (is_tls) host = config.service.hostname;  // whose name the certificate bears
    return (is_tls ? "https://" : "http://") + host + ":" + std::to_string(config.service.port);
}

RunningServer::RunningServer(const Config& config, SecretText password)
    : config_(config), password_(std::move(password)), url_(own_url(config)) {}

Result<RunningServer> RunningServer::of(const Config& config) {
    SecretText password = TRY(admin_password(config));
    if (password.empty())
        return Error::invalid(
            "there is no admin password: set PDS_ADMIN_PASSWORD, or name the "
            "server's folder in PDS_DATA_DIRECTORY, where it keeps it");
    return RunningServer(config, std::move(password));
}

Result<atproto::Object> RunningServer::query(std::string_view nsid, const Parameters& parameters) {
    std::string url = url_ + "/xrpc/" + std::string(nsid);
    char mark = '?';
    for (const auto& [name, value] : parameters) {
        url += mark + name + "=" + net::percent_encode(value);
        mark = '&';
    }
    return send({.method = net::Method::get, .url = std::move(url)}, nsid, As::administrator);
}

Result<atproto::Object> RunningServer::call(std::string_view nsid, atproto::Object input, As as) {
    return send({.method = net::Method::post,
                 .url = url_ + "/xrpc/" + std::string(nsid),
                 .body = atproto::json::write(atproto::Value(std::move(input))),
                 .content_type = "application/json"},
                nsid, as);
}

Result<atproto::Object> RunningServer::send(net::ClientRequest request, std::string_view nsid,
                                            As as) {
    if (as == As::administrator)
        request.headers.emplace_back(
            "Authorization", "Basic " + base64_encode(as_bytes("admin:" + password_.reveal())));
    request.policy = net::AddressPolicy::configured;
    request.response_bytes_max = answer_bytes_max;
    request.timeout_ms = timeout_ms;
    Result<net::ClientResponse> response = Error{};
    net::with_client({}, [&](net::HttpClient& client) {
        return send_one(client, std::move(request), response);
    });
    if (!response.has_value()) return unreachable(response.error());
    Result<atproto::Value> body = response->body.empty() ? Result<atproto::Value>(atproto::Object())
                                                         : atproto::json::parse(response->body);
    auto* object = body.has_value() ? std::get_if<atproto::Object>(&body->variant()) : nullptr;
    if (object == nullptr)
        return Error::invalid("what answers at " + url_ + " is no roost: is PDS_PORT right?");
    if (response->status == 200) return std::move(*object);
    if (response->status == 401)
        return Error::invalid("the server at " + url_ +
                              " does not take this admin password: PDS_ADMIN_PASSWORD here and "
                              "there must be the same");
    const std::string name = text_of(*object, "error");
    return Error::invalid("the server refused " + std::string(nsid) + ": " +
                              text_of(*object, "message") + " (" + name + ")",
                          name);
}

Error RunningServer::unreachable(const Error& error) const {
    const std::filesystem::path& folder = config_.storage.data_directory;
    std::error_code ignored;
    const bool has_run = std::filesystem::exists(folder / "roost.lock", ignored);
    if (has_run && !db::DirectoryLock::take(folder.string()).has_value())
        return Error::invalid("the server of " + folder.string() +
                              " runs, but does not answer at " + url_ + " (" + error.message +
                              "): give this command the PDS_PORT and ROOST_LISTEN_ADDRESSES that "
                              "the server was started with");
    return Error::invalid("the server does not run (nothing answers at " + url_ +
                          "): start it, as this changes something; what only reads works without");
}

}  // namespace roost::app
