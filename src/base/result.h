// What a function that can be refused returns: a value, or an Error that says why not.
//
// Expected failures (bad input, not found, no permission) travel as Result. A failure of the world
// (disk, database) is an exception, a bug of ours is check() in base/check.h.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace roost {

// The kinds of refusal, named after what the caller can do about them. The HTTP status of each is
// decided where HTTP is spoken.
enum class Fault {
    invalid,          // the request is wrong; the same request will fail again
    unauthenticated,  // who are you?
    forbidden,        // known, but not allowed
    not_found,
    not_allowed_method,
    payload_too_large,
    unsupported_encoding,
    rate_limited,
    internal,
    not_implemented,
    upstream_failed,       // a server that we asked answered nonsense
    unavailable,           // try again later
    upstream_timeout,      // a server that we asked did not answer in time
    insufficient_storage,  // the disk is full
};

struct Error {
    Fault fault = Fault::internal;
    std::string name;       // the machine-readable name on the wire, "InvalidHandle"
    std::string message;    // for a person: names what is wrong and what is expected
    int retry_after_s = 0;  // with rate_limited and unavailable: seconds until a retry makes sense

    static Error invalid(std::string message, std::string name = "InvalidRequest") {
        return {Fault::invalid, std::move(name), std::move(message)};
    }
    static Error unauthenticated(std::string message, std::string name = "AuthenticationRequired") {
        return {Fault::unauthenticated, std::move(name), std::move(message)};
    }
    static Error forbidden(std::string message, std::string name = "Forbidden") {
        return {Fault::forbidden, std::move(name), std::move(message)};
    }
    static Error not_found(std::string message, std::string name = "NotFound") {
        return {Fault::not_found, std::move(name), std::move(message)};
    }
    static Error unavailable(std::string message, int retry_after_s,
                             std::string name = "ServiceUnavailable") {
        return {Fault::unavailable, std::move(name), std::move(message), retry_after_s};
    }

    friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
  public:
    using std::expected<T, Error>::expected;
    Result(Error error) : std::expected<T, Error>(std::unexpect, std::move(error)) {}
};

namespace detail {
template <class T>
T unwrap(Result<T>&& result) {
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace detail

}  // namespace roost

// The value of a Result, or return its error from the enclosing function. CO_TRY is the same in a
// coroutine.
#define TRY(expression)                                                    \
    ({                                                                     \
        auto&& try_result = (expression);                                  \
        if (!try_result.has_value()) return std::move(try_result).error(); \
        ::roost::detail::unwrap(std::move(try_result));                    \
    })
#define CO_TRY(expression)                                                    \
    ({                                                                        \
        auto&& try_result = (expression);                                     \
        if (!try_result.has_value()) co_return std::move(try_result).error(); \
        ::roost::detail::unwrap(std::move(try_result));                       \
    })
