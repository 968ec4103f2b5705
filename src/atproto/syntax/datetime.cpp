#include <chrono>

#include "atproto/syntax/chars.h"
#include "atproto/syntax/syntax.h"

namespace roost::atproto {

namespace {

constexpr std::size_t datetime_size_max = 64;

constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";  // d stands for a digit
constexpr std::string_view offset_shape = "dd:dd";

bool has_shape(std::string_view text, std::string_view pattern) {
    return std::ranges::equal(
        text, pattern, [](char c, char p) { return p == 'd' ? detail::is_digit(c) : c == p; });
}

int number(std::string_view digits) {
    int value = 0;
    for (char c : digits)
        value = value * 10 + (c - '0');
    return value;
}

Error bad_datetime(std::string_view why) {
    return Error::invalid("Invalid datetime: " + std::string(why));
}

// Cuts the fraction of the second off the front, in microseconds; finer digits are dropped.
Result<std::int64_t> take_fraction_us(std::string_view& rest) {
    if (!rest.starts_with('.')) return 0;
    rest.remove_prefix(1);
    std::size_t size = 0;
    std::int64_t us = 0;
    for (std::int64_t unit_us = 100'000; size < rest.size() && detail::is_digit(rest[size]);
         ++size) {
        us += unit_us * (rest[size] - '0');
        unit_us /= 10;
    }
    if (size == 0) return bad_datetime("no digits after the decimal point");
    rest.remove_prefix(size);
    return us;
}

Result<int> offset_minutes(std::string_view zone) {
    if (zone == "Z") return 0;
    const bool is_signed = zone.starts_with('+') || zone.starts_with('-');
    if (!is_signed || !has_shape(zone.substr(1), offset_shape))
        return bad_datetime("expected a time zone, \"Z\" or \"+hh:mm\"");
    const int hours = number(zone.substr(1, 2));
    const int minutes = number(zone.substr(4, 2));
    if (hours > 23 || minutes > 59) return bad_datetime("no such time zone");
    if (zone == "-00:00") return bad_datetime("\"-00:00\" is not allowed");
    return (zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

// The intersection of RFC 3339, ISO 8601 and the HTML standard:
// https://atproto.com/specs/lexicon#datetime
Result<Timestamp> parse_datetime(std::string_view text) {
    namespace chr = std::chrono;
    if (text.size() > datetime_size_max) return bad_datetime("too long");
    if (!has_shape(text.substr(0, shape.size()), shape))
        return bad_datetime("expected the form 2006-01-02T15:04:05.000Z");
    const chr::year_month_day date(chr::year(number(text.substr(0, 4))),
                                   chr::month(static_cast<unsigned>(number(text.substr(5, 2)))),
                                   chr::day(static_cast<unsigned>(number(text.substr(8, 2)))));
    if (!date.ok()) return bad_datetime("no such day");
    const int hour = number(text.substr(11, 2));
    const int minute = number(text.substr(14, 2));
    const int second = number(text.substr(17, 2));
    // A leap second has no place on the scale that the protocol's clocks count in.
    if (hour > 23 || minute > 59 || second > 59) return bad_datetime("no such time of day");

    std::string_view rest = text.substr(shape.size());
    const std::int64_t fraction_us = TRY(take_fraction_us(rest));
    const int offset = TRY(offset_minutes(rest));
    const chr::sys_seconds instant = chr::sys_days(date) + chr::hours(hour) +
                                     chr::minutes(minute - offset) + chr::seconds(second);
    constexpr chr::sys_days earliest = chr::year(0) / 1 / 1;
    constexpr chr::sys_days end = chr::year(10000) / 1 / 1;
    if (instant < earliest) return bad_datetime("before year zero");
    if (instant >= end) return bad_datetime("after year 9999");
    return Timestamp{instant.time_since_epoch().count() * 1'000'000 + fraction_us};
}

bool is_datetime(std::string_view text) {
    return parse_datetime(text).has_value();
}

}  // namespace roost::atproto
