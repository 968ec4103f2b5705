#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "atproto/data/json.h"
#include "base/check.h"
#include "base/encoding.h"

namespace roost::atproto::json {

namespace {

bool needs_escape(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

// The high bit is set in each byte of the word that needs an escape. Bytes above the first such may
// be marked wrongly; the first mark and "no mark" are exact.
std::uint64_t escape_marks(std::uint64_t word) {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    constexpr std::uint64_t highs = 0x8080'8080'8080'8080;
    auto zeros = [](std::uint64_t x) { return (x - ones) & ~x; };
    const std::uint64_t control = (word - ones * 0x20) & ~word;
    return (control | zeros(word ^ ones * '"') | zeros(word ^ ones * '\\')) & highs;
}

// How many characters at the front need no escape.
std::size_t plain_run(std::string_view text) {
    std::size_t size = 0;
    std::uint64_t word;
    while (text.size() - size >= sizeof word) {
        std::memcpy(&word, text.data() + size, sizeof word);
        if (escape_marks(word) != 0) break;
        size += sizeof word;
    }
    // What is left of a text that is longer is seen together with what stands before it.
    if (size > 0 && text.size() - size < sizeof word) {
        std::memcpy(&word, text.data() + text.size() - sizeof word, sizeof word);
        if (escape_marks(word) == 0) return text.size();
    }
    while (size < text.size() && !needs_escape(text[size]))
        ++size;
    return size;
}

void append_escaped(std::string& out, char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            out += "\\u00";
            out += hex[static_cast<unsigned char>(c) >> 4];
            out += hex[static_cast<unsigned char>(c) & 0xf];
    }
}

// Nothing in it needs an escape.
void append_plain_string(std::string& out, std::string_view text) {
    const std::size_t start = out.size();
    const std::size_t end = start + text.size() + 2;
    // The size that is handed in may be larger, with the library of GCC 12.
    out.resize_and_overwrite(end, [&](char* to, std::size_t) {
        to[start] = to[end - 1] = '"';
        std::ranges::copy(text, to + start + 1);
        return end;
    });
}

void append_value(std::string& out, const Value& value, int depth);

struct ValueAppender {
    std::string& out;
    int depth;  // of the value: 1 for the outermost

    void operator()(std::nullptr_t) const { out += "null"; }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(std::int64_t number) const { append_int(out, number); }
    void operator()(const std::string& text) const { append_string(out, text); }
    void operator()(const Bytes& bytes) const {
        out += "{\"$bytes\":\"";
        out += base64_encode_unpadded(bytes);
        out += "\"}";
    }
    void operator()(const Cid& cid) const {
        out += "{\"$link\":\"";
        cid.append_to(out);
        out += "\"}";
    }
    void operator()(const Array& array) const {
        char separator = '[';
        for (const Value& item : array) {
            out += separator;
            separator = ',';
            append_value(out, item, depth + 1);
        }
        out += array.empty() ? "[]" : "]";
    }
    void operator()(const Object& object) const {
        char separator = '{';
        for (const auto& [key, value] : object) {
            out += separator;
            separator = ',';
            append_string(out, key);
            out += ':';
            append_value(out, value, depth + 1);
        }
        out += object.empty() ? "{}" : "}";
    }
};

void append_value(std::string& out, const Value& value, int depth) {
    check(depth <= written_depth_max + 1, "a value to be written is of bounded depth");
    std::visit(ValueAppender{out, depth}, value.variant());
}

}  // namespace

std::string write(const Value& value) {
    std::string out;
    out.reserve(1024);
    write_to(out, value);
    return out;
}

void write_to(std::string& out, const Value& value) {
    append_value(out, value, 1);
}

void append_string(std::string& out, std::string_view text) {
    std::size_t run = plain_run(text);
    if (run == text.size()) {
        append_plain_string(out, text);
        return;
    }
    out += '"';
    for (;;) {
        out += text.substr(0, run);
        if (run == text.size()) break;
        append_escaped(out, text[run]);
        text.remove_prefix(run + 1);
        run = plain_run(text);
    }
    out += '"';
}

void append_int(std::string& out, std::int64_t number) {
    std::array<char, 20> digits;  // "-9223372036854775808"
    auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

}  // namespace roost::atproto::json
