#include "api/app/bsky/read_after_write.h"

#include "atproto/data/json.h"
#include "base/clock.h"
#include "db/database.h"

namespace roost::api {

namespace {

Task<pds::RecentRecords> recent_records(const Services& services, const xrpc::Call& call,
                                        std::string_view rev_text) {
    const Result<atproto::Tid> rev = atproto::Tid::parse(rev_text);
    if (!rev.has_value()) co_return pds::RecentRecords();
    Result<pds::RecentRecords> found = co_await services.db.read(
        [id = call.account().id, &rev](db::Transaction& t) -> Result<pds::RecentRecords> {
            return pds::recent_records::since(t, id, *rev);
        });
    co_return found.has_value() ? *std::move(found) : pds::RecentRecords();
}

net::Response json_response(std::string body) {
    net::Response response;
    response.content_type = xrpc::json_content_type;
    response.body = std::move(body);
    return response;
}

net::Response patched(const atproto::Object& view, const pds::RecentRecords& recent,
                      const xrpc::Forwarded& answer, Timestamp time) {
    net::Response response = json_response(atproto::json::write(view));
    const std::int64_t lag_ms = (time.us - recent.oldest().us) / 1'000;
    response.add_header("Atproto-Upstream-Lag", std::to_string(std::max<std::int64_t>(lag_ms, 0)));
    response.add_header("Atproto-Repo-Rev", answer.repo_rev);
    if (!answer.content_labelers.empty())
        response.add_header("Atproto-Content-Labelers", answer.content_labelers);
    return response;
}

// Somebody between us and the AppView says that it is not there, or it says so itself.
bool is_outage(const Result<xrpc::Forwarded>& answer) {
    if (!answer.has_value())
        return answer.error().fault == Fault::upstream_failed ||
               answer.error().fault == Fault::upstream_timeout;
    return answer->response.status >= 502 && answer->response.status <= 504;
}

Task<Result<net::Response>> patch(ReadAfterWrite& context, xrpc::Forwarded answer,
                                  PatchView patch_view) {
    const pds::RecentRecords recent =
        co_await recent_records(context.services, context.call, answer.repo_rev);
    if (recent.is_empty()) co_return std::move(answer.response);
    std::string body = CO_TRY(co_await context.services.proxy.read(answer));
    Result<atproto::Value> value = atproto::json::parse(body);
    auto* view = value.has_value() ? std::get_if<atproto::Object>(&value->variant()) : nullptr;
    if (view == nullptr) co_return json_response(std::move(body));  // as it came
    co_await patch_view(context, *view, recent);
    co_return patched(*view, recent, answer, context.call.time);
}

Task<Result<net::Response>> run(const Services& services, xrpc::Call& call, ViewRules rules) {
    ReadAfterWrite context{services, call, OwnViews(services, call)};
    pds::RemoteService service = CO_TRY(co_await services.proxy.target(call));
    Result<xrpc::Forwarded> answer = co_await services.proxy.ask(
        call, std::move(service), {.answer = xrpc::Proxy::Order::Answer::looked_into});
    if (rules.without_app_view != nullptr && is_outage(answer)) {
        if (const auto view = co_await rules.without_app_view(context))
            co_return json_response(atproto::json::write(*view));
    }
    if (!answer.has_value()) co_return answer.error();
    const bool is_known_here = answer->error_name == "NotFound" &&
                               rules.instead_of_not_found != nullptr && !answer->repo_rev.empty();
    if (is_known_here) {
        const auto recent = co_await recent_records(services, call, answer->repo_rev);
        const auto view =
            recent.is_empty() ? std::nullopt : co_await rules.instead_of_not_found(context, recent);
        if (view) co_return patched(*view, recent, *answer, call.time);
    }
    if (answer->response.status >= 400 || answer->repo_rev.empty() || !answer->is_json)
        co_return std::move(answer->response);
    co_return co_await patch(context, *std::move(answer), rules.patch);
}

}  // namespace

std::optional<std::string> ReadAfterWrite::parameter(std::string_view name) const {
    return net::query_parameter(call.http.query, name);
}

void add_view(xrpc::Router& router, const Services& services, std::string_view nsid,
              ViewRules rules) {
    router.add_elsewhere(
        nsid, [&services, rules](xrpc::Call& call) { return run(services, call, rules); });
}

}  // namespace roost::api
