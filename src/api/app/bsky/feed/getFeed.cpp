#include "api/endpoints.h"

#include "api/app/bsky/json_members.h"
#include "api/app/bsky/read_after_write.h"
#include "atproto/data/json.h"

namespace roost::api {

namespace {

Error unknown_feed(std::string message) {
    return Error::invalid(std::move(message), "UnknownFeed");
}

// Who makes the feed: the token has to be for them, as the AppView shows it to them.
Task<Result<std::string>> maker_of(ReadAfterWrite& context, const pds::RemoteService& service,
                                   const atproto::AtUri& feed) {
    xrpc::Forwarded answer = CO_TRY(co_await context.services.proxy.ask(
        context.call, service,
        {.path = "/xrpc/com.atproto.repo.getRecord?repo=" + net::percent_encode(feed.authority()) +
                 "&collection=" + net::percent_encode(feed.collection()) +
                 "&rkey=" + net::percent_encode(feed.rkey()),
         .as = xrpc::Proxy::Order::As::nobody,
         .answer = xrpc::Proxy::Order::Answer::looked_into}));
    if (answer.response.status >= 500)
        co_return Error{Fault::upstream_failed, "UpstreamFailure", answer.error_message};
    if (answer.response.status >= 400) co_return unknown_feed(answer.error_message);
    const std::string body = CO_TRY(co_await context.services.proxy.read(answer));
    const Result<atproto::Value> value = atproto::json::parse(body);
    const auto* record = value.has_value() ? value->as<atproto::Object>() : nullptr;
    const auto* generator = record != nullptr ? object_at(*record, "value") : nullptr;
    const std::string_view did =
        generator != nullptr ? text_member(*generator, "did") : std::string_view();
    if (!atproto::Did::parse(did).has_value()) co_return unknown_feed("could not resolve feed did");
    co_return std::string(did);
}

Task<Result<net::Response>> run(const Services& services, xrpc::Call& call) {
    ReadAfterWrite context{services, call, OwnViews(services, call)};
    const Result<atproto::AtUri> feed =
        atproto::AtUri::parse(context.parameter("feed").value_or(""));
    if (!feed.has_value() || feed->rkey().empty())
        co_return Error::invalid("Error: Params must have the property \"feed\", an AT URI");
    const std::optional<pds::RemoteService>& app_view = services.proxy.services().app_view();
    pds::RemoteService service = CO_TRY(co_await services.proxy.target(call));
    std::string maker = CO_TRY(co_await maker_of(context, app_view ? *app_view : service, *feed));
    xrpc::Forwarded answer = CO_TRY(co_await services.proxy.ask(
        call, std::move(service),
        {.audience = std::move(maker), .method = "app.bsky.feed.getFeedSkeleton"}));
    co_return std::move(answer.response);
}

}  // namespace

void bsky::add_getFeed(xrpc::Router& router, const Services& services) {
    router.add_elsewhere("app.bsky.feed.getFeed",
                         [&services](xrpc::Call& call) { return run(services, call); });
}

}  // namespace roost::api
