// Structured log lines: one JSON object a line, escaped, with time, level, message and fields.
//
//     log::info("session opened", {{"did", did.text()}, {"request_id", id}});
//
// Any thread. Before log::start() nothing is written. Secret<T> has no way in; passwords, tokens
// and e-mail addresses are never fields.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace roost::log {

enum class Level { trace, debug, info, warn, error, off };

struct Field {
    std::string_view name;
    std::variant<std::string_view, std::int64_t, double, bool> value;

    Field(std::string_view n, std::string_view v) : name(n), value(v) {}
    Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
    Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
    Field(std::string_view n, bool v) : name(n), value(v) {}
    Field(std::string_view n, double v) : name(n), value(v) {}
    template <class I>
        requires std::is_integral_v<I>
    Field(std::string_view n, I v) : name(n), value(static_cast<std::int64_t>(v)) {}
};

struct Options {
    Level level = Level::info;
    std::string file;  // empty: standard output
};

void start(const Options& options);
void flush();
bool is_on(Level level);
void write(Level level, std::string_view message, std::initializer_list<Field> fields);

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::info, message, fields);
}
inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::warn, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, message, fields);
}

}  // namespace roost::log
