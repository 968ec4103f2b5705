#include <array>

#include "atproto/syntax/chars.h"
#include "atproto/syntax/syntax.h"
#include "base/check.h"

namespace roost::atproto {

namespace {

constexpr std::size_t tid_size = 13;
constexpr int clock_id_bits = 10;
constexpr int time_bits = 53;

// Sorts like the numbers that it writes.
constexpr std::string_view digits = "234567abcdefghijklmnopqrstuvwxyz";

constexpr int digit_value(char c) {
    if (c >= '2' && c <= '7') return c - '2';
    if (detail::is_lower(c)) return c - 'a' + 6;
    return -1;
}

}  // namespace

Result<Tid> Tid::parse(std::string_view text) {
    if (text.size() != tid_size) return Error::invalid("Invalid TID: expected 13 characters");
    if (std::ranges::any_of(text, [](char c) { return digit_value(c) < 0; }))
        return Error::invalid("Invalid TID: expected the characters 2-7 and a-z");
    // 13 characters have 65 bits; of the first, only four count.
    if (digit_value(text[0]) >= 16) return Error::invalid("Invalid TID: beyond 64 bits");
    return Tid(std::string(text));
}

Tid Tid::from(Timestamp time, std::uint16_t clock_id) {
    check(time.us >= 0 && time.us >> time_bits == 0, "the time of a TID fits in 53 bits");
    check(clock_id >> clock_id_bits == 0, "the clock id of a TID fits in 10 bits");
    std::uint64_t number = static_cast<std::uint64_t>(time.us) << clock_id_bits | clock_id;
    std::string text(tid_size, digits[0]);
    for (std::size_t i = tid_size; i > 0; --i, number >>= 5)
        text[i - 1] = digits[number & 31];
    return Tid(std::move(text));
}

std::uint64_t Tid::number() const {
    std::uint64_t number = 0;
    for (char c : text())
        number = number << 5 | static_cast<std::uint64_t>(digit_value(c));
    return number;
}

}  // namespace roost::atproto
