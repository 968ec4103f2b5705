#include "pds/accounts/log_in_guard.h"

#include <algorithm>

#include "atproto/data/cid.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

// What an attacker sends as an identifier may be as long as a request: long ones are kept as their
// hash.
std::string key_of(const std::string& name) {
    constexpr std::size_t kept_as_it_is = 64;
    if (name.size() <= kept_as_it_is) return name;
    const atproto::Cid::Digest digest = atproto::sha256(as_bytes(name));
    return "#" + std::string(as_text(digest));
}

Error too_many(std::int64_t wait_ms) {
    return {Fault::rate_limited, "RateLimitExceeded",
            "Too many log-ins to this account; please try again later",
            static_cast<int>(wait_ms / 1'000) + 1};
}

}  // namespace

LogInGuard::Record& LogInGuard::record_of(const std::string& name, Timestamp now) {
    std::string key = key_of(name);
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
        record.waiting.clear();  // they do not wait that long: who is left was never settled
        record.forget_failures_at = now.plus_s(limits::log_in_failures_kept_s);
    }
    return record;
}

Result<std::int64_t> LogInGuard::enter(const std::string& name, const std::string& address,
                                       Timestamp now) {
    const std::lock_guard lock(mutex_);
    Record& record = record_of(name, now);
    const bool is_known = std::ranges::count(record.known_addresses, address) > 0;
    const std::int64_t excess = record.failures - limits::log_in_failures_free;
    if (is_known || excess <= 0) {
        ++record.failures;
        return 0;
    }
    const std::int64_t step_ms =
        std::min(excess * limits::log_in_delay_step_ms, limits::log_in_delay_ms_max);
    const Timestamp turn = std::max(record.last_turn, now).plus_ms(step_ms);
    const std::int64_t wait_ms = (turn.us - now.us) / 1'000;
    if (std::ranges::count(record.waiting, address) >= limits::log_ins_waiting_per_address_max)
        return too_many(wait_ms);
    if (wait_ms > limits::log_in_wait_ms_max) return too_many(wait_ms - limits::log_in_wait_ms_max);
    ++record.failures;
    record.last_turn = turn;
    record.waiting.push_back(address);
    return wait_ms;
}

void LogInGuard::settle(const std::string& name, const std::string& address, Outcome outcome,
                        Timestamp now) {
    const std::lock_guard lock(mutex_);
    Record& record = record_of(name, now);
    const auto place = std::ranges::find(record.waiting, address);
    if (place != record.waiting.end()) record.waiting.erase(place);
    if (outcome == Outcome::failed) return;
    record.failures = std::max<std::int64_t>(0, record.failures - 1);
    if (record.failures == 0 && record.known_addresses.empty()) records_.erase(key_of(name));
}

void LogInGuard::remember(const std::string& name, const std::string& address, Timestamp now) {
    const std::lock_guard lock(mutex_);
    std::deque<std::string>& known = record_of(name, now).known_addresses;
    if (std::ranges::count(known, address) > 0) return;
    known.push_back(address);
    if (known.size() > limits::known_addresses_max) known.pop_front();
}

}  // namespace roost::pds
