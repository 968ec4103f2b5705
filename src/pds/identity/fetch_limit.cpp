#include "pds/identity/fetch_limit.h"

#include "pds/identity/limits.h"

namespace roost::pds {

namespace {

// "a.b.example.com" is one of "*.example.com".
std::string family_of(std::string_view host) {
    const std::size_t last = host.rfind('.');
    const std::size_t before =
        last == host.npos || last == 0 ? host.npos : host.rfind('.', last - 1);
    return "*." + std::string(before == host.npos ? host : host.substr(before + 1));
}

}  // namespace

bool FetchLimit::take(std::string_view host, Timestamp now) {
    const std::lock_guard lock(mutex_);
    const std::int64_t window = now.seconds() / limits::fetch_window_s;
    // So many names at once are somebody's list; to forget counts is better than to refuse all.
    if (window != window_ || counts_.size() >= limits::fetch_names_max) counts_.clear();
    window_ = window;
    std::int64_t& of_host = counts_[std::string(host)];
    if (of_host >= limits::fetches_per_host_max) return false;
    std::int64_t& of_family = counts_[family_of(host)];
    if (of_family >= limits::fetches_per_family_max) return false;
    ++of_host;
    ++of_family;
    return true;
}

}  // namespace roost::pds
