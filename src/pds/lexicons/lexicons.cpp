#include "pds/lexicons/lexicons.h"

#include <optional>
#include <string>
#include <utility>

#include "atproto/lexicon/closure.h"
#include "pds/lexicons/limits.h"

namespace roost::pds {

namespace {

// The reason may quote a stranger's document.
std::string shortened(std::string text) {
    if (text.size() <= limits::lexicon_reason_bytes_max) return text;
    std::size_t end = limits::lexicon_reason_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;  // not within a character
    text.resize(end);
    return text + "…";
}

Error unresolved(const atproto::Nsid& collection, std::string why) {
    return Error::invalid("Unknown lexicon type: " + collection.text() +
                          " (its lexicon could not be resolved: " + shortened(std::move(why)) +
                          ")");
}

}  // namespace

Lexicons::Cache::Options Lexicons::cache_options() {
    return {.stale_ms = limits::lexicon_stale_ms,
            .max_ms = limits::lexicon_max_ms,
            .retry_ms = limits::lexicon_retry_ms,
            .entries_max = limits::cached_lexicons_max,
            .bytes_max = limits::cached_lexicon_bytes_max,
            .flights_max = limits::lexicon_look_ups_max};
}

Task<Result<Lexicons::Gathered>> Lexicons::gather(atproto::Nsid collection) {
    const std::int64_t deadline_us = monotonic_us() + limits::lexicon_look_up_ms_max * 1'000;
    lexicon::Closure closure(house_, collection.text());
    std::size_t bytes = 0;
    while (const std::optional<std::string> wanted = closure.wanted()) {
        const Result<atproto::Nsid> nsid = atproto::Nsid::parse(*wanted);
        if (!nsid.has_value() || nsid->text() != *wanted) {
            closure.give_up(*wanted, Error::invalid("that is no NSID"));
        } else if (bytes > limits::lexicon_closure_bytes_max) {
            closure.give_up(*wanted, Error::invalid("all of it together is too large"));
        } else if (monotonic_us() >= deadline_us) {
            closure.give_up(*wanted, Error::invalid("it takes too long"));
        } else {
            Result<Publications::Published> found = co_await publications_.find(*nsid, deadline_us);
            if (found.has_value()) {
                bytes += found->bytes;
                closure.add(std::move(found->document));
            } else {
                closure.give_up(*wanted, found.error());
            }
        }
    }
    co_return Gathered {
        std::make_shared<const lexicon::Catalog>(CO_TRY(closure.finish())), bytes
    };
}

Task<void> Lexicons::fly(atproto::Nsid collection, std::shared_ptr<Flight<Rules>> flight,
                         Timestamp time) {
    const Result<Gathered> gathered = co_await gather(collection);
    Found<Rules> found = gathered.has_value() ? Found<Rules>(gathered->rules)
                                              : unresolved(collection, gathered.error().message);
    cache_.store(collection.text(), found, gathered.has_value() ? gathered->bytes : 0, time);
    cache_.end_flight(collection.text());
    flight->land(std::move(found));
}

Task<Result<Lexicons::Rules>> Lexicons::find(atproto::Nsid collection, std::int64_t wait_ms,
                                             Timestamp time) {
    Cache::Answer answer = cache_.ask(collection.text(), time);
    // Detached: it is for everybody who asks, also when the first has gone.
    if (answer.must_fly) start_detached(fly(collection, answer.flight, time));
    if (!answer.remembered) {
        if (answer.flight == nullptr)
            co_return unresolved(collection, "too many lexicons are being resolved");
        answer.remembered = co_await answer.flight->landing(wait_ms);
    }
    if (!answer.remembered) co_return unresolved(collection, "it takes too long, so try again");
    if (!answer.remembered->has_value()) co_return answer.remembered->error();
    co_return ***answer.remembered;
}

Lexicons::Rules Lexicons::remembered(const atproto::Nsid& collection, Timestamp time) {
    if (!cache_.remembers(collection.text(), time)) return nullptr;
    Cache::Answer answer = cache_.ask(collection.text(), time);
    if (answer.must_fly) start_detached(fly(collection, answer.flight, time));
    if (!answer.remembered || !answer.remembered->has_value()) return nullptr;
    return ***answer.remembered;
}

}  // namespace roost::pds
