#include "pds/accounts/handle_policy.h"

#include <algorithm>

#include "pds/error_names.h"

namespace roost::pds {

namespace {

Error invalid_handle(std::string message) {
    return refusal(std::move(message), error_names::InvalidHandle);
}

// The longest: what is left of it is the label, whatever other domains end alike.
std::string_view matching_domain(const std::vector<std::string>& domains, std::string_view handle) {
    std::string_view longest;
    for (const std::string& domain : domains)
        if (handle.ends_with(domain) && domain.size() > longest.size()) longest = domain;
    return longest;
}

}  // namespace

Result<atproto::Handle> HandlePolicy::normalize(std::string_view text) const {
    Result<atproto::Handle> handle = atproto::Handle::parse(text);
    if (!handle.has_value()) return invalid_handle(handle.error().message);
    // A top-level domain that the specification excludes is fine when the operator serves it.
    if (!handle->has_allowed_tld() && !is_on_service_domain(*handle))
        return invalid_handle("Handle TLD is invalid or disallowed");
    const bool has_punycode =
        handle->text().starts_with("xn--") || handle->text().find(".xn--") != std::string::npos;
    if (has_punycode && punycode_ == PunycodeHandles::refused)
        return invalid_handle("Internationalised (punycode) handles are not allowed here");
    return handle;
}

bool HandlePolicy::is_on_service_domain(const atproto::Handle& handle) const {
    return !matching_domain(service_domains_, handle.text()).empty();
}

bool HandlePolicy::is_ours(const atproto::Handle& handle) const {
    return is_on_service_domain(handle) ||
           std::ranges::find(service_domains_, "." + handle.text()) != service_domains_.end();
}

Result<void> HandlePolicy::check_service_handle(const atproto::Handle& handle,
                                                ReservedLabels reserved) const {
    const std::string_view domain = matching_domain(service_domains_, handle.text());
    if (domain.empty())
        return refusal("Not a supported handle domain", error_names::UnsupportedDomain);
    const std::string_view label =
        std::string_view(handle.text()).substr(0, handle.text().size() - domain.size());
    if (label.find('.') != std::string_view::npos)
        return invalid_handle("Invalid characters in handle");
    if (label.size() < service_label_size_min) return invalid_handle("Handle too short");
    if (label.size() > service_label_size_max) return invalid_handle("Handle too long");
    if (reserved == ReservedLabels::refused && is_reserved_label(label))
        return refusal("Reserved handle", error_names::HandleNotAvailable);
    return {};
}

}  // namespace roost::pds
