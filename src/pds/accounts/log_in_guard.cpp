#include "pds/accounts/log_in_guard.h"

#include <algorithm>

#include "atproto/data/cid.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

// What an attacker sends as an identifier may be as long as a request: long ones are kept as their
// hash.
std::string key_of(const std::string& identifier) {
    constexpr std::size_t kept_as_it_is = 64;
    if (identifier.size() <= kept_as_it_is) return identifier;
    const atproto::Cid::Digest digest = atproto::sha256(as_bytes(identifier));
    return "#" + std::string(as_text(digest));
}

}  // namespace

LogInGuard::Record& LogInGuard::record_of(const std::string& identifier, Timestamp now) {
    std::string key = key_of(identifier);
    if (records_.size() >= limits::guarded_identifiers_max && !records_.contains(key)) {
        std::erase_if(records_,
                      [now](const auto& entry) { return entry.second.forget_failures_at <= now; });
        // All were used within the hour: a flood of made-up names. Those are what is forgotten.
        if (records_.size() >= limits::guarded_identifiers_max)
            std::erase_if(records_,
                          [](const auto& entry) { return entry.second.known_addresses.empty(); });
        if (records_.size() >= limits::guarded_identifiers_max) records_.clear();
    }
    Record& record = records_[std::move(key)];
    if (record.forget_failures_at <= now) {
        record.failures = 0;
        record.forget_failures_at = now.plus_s(limits::log_in_failures_kept_s);
    }
    return record;
}

std::int64_t LogInGuard::delay_ms(const std::string& identifier, const std::string& address,
                                  Timestamp now) {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(key_of(identifier));
    if (found == records_.end() || found->second.forget_failures_at <= now) return 0;
    const Record& record = found->second;
    if (std::ranges::find(record.known_addresses, address) != record.known_addresses.end())
        return 0;
    const std::int64_t excess = record.failures - limits::log_in_failures_free;
    return std::clamp<std::int64_t>(excess * limits::log_in_delay_step_ms, 0,
                                    limits::log_in_delay_ms_max);
}

void LogInGuard::on_failure(const std::string& identifier, Timestamp now) {
    const std::lock_guard lock(mutex_);
    ++record_of(identifier, now).failures;
}

void LogInGuard::on_success(const std::string& identifier, const std::string& address,
                            Timestamp now) {
    const std::lock_guard lock(mutex_);
    std::deque<std::string>& known = record_of(identifier, now).known_addresses;
    if (std::ranges::find(known, address) != known.end()) return;
    known.push_back(address);
    if (known.size() > limits::known_addresses_max) known.pop_front();
}

}  // namespace roost::pds
