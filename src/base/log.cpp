#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "base/log_limits.h"

namespace roost::log {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view ellipsis = "\xE2\x80\xA6";     // U+2026

// The sink is the process's, as its standard output is.
struct Sink {
    std::atomic<Level> level = Level::off;
    std::mutex mutex;
    std::shared_ptr<spdlog::logger> logger;  // guarded by mutex
};

Sink& sink() {
    static Sink instance;
    return instance;
}

std::string_view name_of(Level level) {
    switch (level) {
        case Level::trace:
            return "trace";
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            return "error";
        case Level::off:
            return "off";
    }
    return "off";
}

struct CodePoint {
    char32_t value = 0;
    std::size_t length = 0;  // in bytes; 0: not UTF-8
};

// The code point that the text starts with, by table 3-7 of the Unicode standard.
CodePoint decode_first(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    std::size_t length = 0;
    if (lead < 0x80) return {lead, 1};
    if (lead >= 0xC2 && lead <= 0xDF) length = 2;
    if (lead >= 0xE0 && lead <= 0xEF) length = 3;
    if (lead >= 0xF0 && lead <= 0xF4) length = 4;
    if (length == 0 || length > text.size()) return {};
    char32_t value = lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return {};
        value = (value << 6U) | (byte(i) & 0x3FU);
    }
    const bool is_overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (is_overlong || is_surrogate || value > 0x10FFFF) return {};
    return {value, length};
}

// Characters that could move a terminal's cursor, break a line or turn the direction of the text.
bool is_dangerous(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

void append_escaped(std::string& line, char32_t c) {
    if (c == '\n') {
        line += "\\n";
        return;
    }
    if (c == '\t') {
        line += "\\t";
        return;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    line += "\\u";
    for (unsigned shift = 16; shift > 0; shift -= 4)
        line += digits[(c >> (shift - 4U)) & 0xFU];
}

void append_text(std::string& line, std::string_view text, std::size_t bytes_max) {
    line += '"';
    std::size_t at = 0;
    while (at < text.size()) {
        const CodePoint next = decode_first(text.substr(at));
        if (at + (next.length == 0 ? 1 : next.length) > bytes_max) {
            line += ellipsis;
            break;
        }
        if (next.length == 0) {
            line += replacement;
            at += 1;
            continue;
        }
        if (next.value == '"' || next.value == '\\') {
            line += '\\';
            line += static_cast<char>(next.value);
        } else if (is_dangerous(next.value)) {
            append_escaped(line, next.value);
        } else {
            line += text.substr(at, next.length);
        }
        at += next.length;
    }
    line += '"';
}

template <class Number>
void append_number(std::string& line, Number number) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    line.append(digits.data(), end);
}

void append_value(std::string& line, std::string_view text) {
    append_text(line, text, limits::log_value_bytes_max);
}
void append_value(std::string& line, std::int64_t number) {
    append_number(line, number);
}
void append_value(std::string& line, bool value) {
    line += value ? "true" : "false";
}
void append_value(std::string& line, double number) {
    if (std::isfinite(number))
        append_number(line, number);
    else
        line += "null";
}

}  // namespace

void start(const Options& options) {
    spdlog::sink_ptr target;
    if (options.file.empty())
        target = std::make_shared<spdlog::sinks::stdout_sink_st>();
    else
        target = std::make_shared<spdlog::sinks::basic_file_sink_st>(options.file);
    auto logger = std::make_shared<spdlog::logger>("roost", std::move(target));
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);  // a line written is a line seen, also after a crash
    const std::lock_guard lock(sink().mutex);
    sink().logger = std::move(logger);
    sink().level.store(options.level, std::memory_order_relaxed);
}

void flush() {
    const std::lock_guard lock(sink().mutex);
    if (sink().logger) sink().logger->flush();
}

bool is_on(Level level) {
    return level != Level::off && level >= sink().level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
    if (!is_on(level)) return;
    std::string line;
    line.reserve(256);
    line += R"({"time":")";
    line += to_iso8601(now());
    line += R"(","level":")";
    line += name_of(level);
    line += R"(","msg":)";
    append_text(line, message, limits::log_message_bytes_max);
    for (const Field& field : fields) {
        line += ',';
        append_text(line, field.name, limits::log_name_bytes_max);
        line += ':';
        std::visit([&](const auto& value) { append_value(line, value); }, field.value);
    }
    line += '}';
    const std::lock_guard lock(sink().mutex);
    if (sink().logger) sink().logger->log(spdlog::level::info, line);
}

}  // namespace roost::log
