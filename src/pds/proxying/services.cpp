#include "pds/proxying/services.h"

#include <algorithm>
#include <array>

#include "net/url.h"

namespace roost::pds {

namespace {

using namespace std::string_view_literals;

// What the moderation service answers. Sorted.
constexpr std::array moderation_methods{
    "tools.ozone.communication.createTemplate"sv,
    "tools.ozone.communication.deleteTemplate"sv,
    "tools.ozone.communication.listTemplates"sv,
    "tools.ozone.communication.updateTemplate"sv,
    "tools.ozone.moderation.cancelScheduledActions"sv,
    "tools.ozone.moderation.emitEvent"sv,
    "tools.ozone.moderation.getAccountTimeline"sv,
    "tools.ozone.moderation.getEvent"sv,
    "tools.ozone.moderation.getRecord"sv,
    "tools.ozone.moderation.getRepo"sv,
    "tools.ozone.moderation.listScheduledActions"sv,
    "tools.ozone.moderation.queryEvents"sv,
    "tools.ozone.moderation.queryStatuses"sv,
    "tools.ozone.moderation.scheduleAction"sv,
    "tools.ozone.moderation.searchRepos"sv,
    "tools.ozone.safelink.addRule"sv,
    "tools.ozone.safelink.queryEvents"sv,
    "tools.ozone.safelink.queryRules"sv,
    "tools.ozone.safelink.removeRule"sv,
    "tools.ozone.safelink.updateRule"sv,
    "tools.ozone.team.addMember"sv,
    "tools.ozone.team.deleteMember"sv,
    "tools.ozone.team.listMembers"sv,
    "tools.ozone.team.updateMember"sv,
    "tools.ozone.verification.grantVerifications"sv,
    "tools.ozone.verification.listVerifications"sv,
    "tools.ozone.verification.revokeVerifications"sv,
};
static_assert(std::ranges::is_sorted(moderation_methods));

constexpr std::string_view report_method = "com.atproto.moderation.createReport";

const RemoteService* if_named(const std::optional<RemoteService>& service) {
    return service ? &*service : nullptr;
}

// "https://api.example" of an endpoint that has no path.
std::optional<std::string> origin_of(std::string_view endpoint) {
    const std::optional<net::Url> url = net::Url::parse(endpoint);
    if (!url || url->target != "/") return std::nullopt;
    return (url->is_https ? "https://" : "http://") + url->host_header;
}

}  // namespace

const RemoteService* RemoteServices::for_method(std::string_view nsid) const {
    if (nsid == report_method) return if_named(options_.report);
    if (std::ranges::binary_search(moderation_methods, nsid)) return if_named(options_.moderation);
    return if_named(options_.app_view);
}

Task<Result<RemoteService>> RemoteServices::named(std::string_view reference, Timestamp time) {
    const std::size_t hash = reference.find('#');
    if (hash == 0) co_return Error::invalid("no did specified in proxy header");
    if (hash == std::string_view::npos || hash + 1 == reference.size())
        co_return Error::invalid("no service id specified in proxy header");
    const std::string_view did_text = reference.substr(0, hash);
    const std::string_view name = reference.substr(hash + 1);
    if (name.find('#') != std::string_view::npos)
        co_return Error::invalid("invalid proxy header format");
    if (reference.find(' ') != std::string_view::npos)
        co_return Error::invalid("proxy header cannot contain spaces");
    // The operator's own address of the AppView, which may not be the one in its document.
    if (options_.app_view && did_text == options_.app_view->did && name == options_.app_view->name)
        co_return *options_.app_view;
    co_return co_await find(did_text, name, "", time);
}

Task<Result<RemoteService>> RemoteServices::notifications_of(std::string_view did, Timestamp time) {
    if (options_.app_view && did == options_.app_view->did) co_return *options_.app_view;
    Result<RemoteService> service =
        co_await find(did, "bsky_notif", "BskyNotificationService", time);
    if (!service.has_value())
        co_return Error::invalid("invalid notification service details in did document: " +
                                 std::string(did));
    co_return service;
}

Task<Result<RemoteService>> RemoteServices::find(std::string_view did_text, std::string_view name,
                                                 std::string_view type, Timestamp time) {
    const Result<atproto::Did> did = atproto::Did::parse(did_text);
    if (!did.has_value()) co_return Error::invalid("invalid did in proxy header");
    const FoundDocument document = co_await resolver_.remembered_did_document(*did, time);
    if (!document.has_value() || !document->has_value())
        co_return Error::invalid("could not resolve proxy did");
    const std::optional<std::string> endpoint = (*document)->service_endpoint(name, type);
    std::optional<std::string> origin = endpoint ? origin_of(*endpoint) : std::nullopt;
    if (!origin) co_return Error::invalid("could not resolve proxy did service url");
    co_return RemoteService{.did = did->text(),
                            .name = std::string(name),
                            .origin = *std::move(origin),
                            .policy = net::AddressPolicy::public_only};
}

}  // namespace roost::pds
