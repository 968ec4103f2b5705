#include "app/verbs/progress.h"

#include <algorithm>
#include <ostream>

#include "app/verbs/table.h"
#include "base/clock.h"

namespace roost::app {

namespace {

constexpr std::int64_t between_us = 200'000;
constexpr std::size_t bar_width = 30;
constexpr const char* to_the_beginning = "\r\x1b[K";  // and empties the line

}  // namespace

Progress::Progress(const Verb& verb, std::string what, std::int64_t all)
    : screen_(verb.person.watches ? &verb.err : nullptr), what_(std::move(what)), all_(all) {}

Progress::~Progress() {
    if (screen_ != nullptr && shown_at_us_ != 0) *screen_ << to_the_beginning << std::flush;
}

void Progress::at(std::int64_t done) {
    if (screen_ == nullptr || monotonic_us() - shown_at_us_ < between_us) return;
    shown_at_us_ = monotonic_us();
    *screen_ << to_the_beginning << what_ << ' ';
    if (all_ > 0) {
        const auto full = static_cast<std::size_t>(std::min(done, all_) *
                                                   static_cast<std::int64_t>(bar_width) / all_);
        *screen_ << '[' << std::string(full, '#') << std::string(bar_width - full, '.') << "] "
                 << grouped(done) << " of " << grouped(all_);
    } else {
        *screen_ << grouped(done);
    }
    *screen_ << std::flush;
}

}  // namespace roost::app
