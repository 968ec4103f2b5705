#include "pds/accounts/password_policy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "pds/error_names.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

// What guessers try first, lower case, without the digits and signs at the end that are tried with
// each. Only entries whose padded forms reach the minimum length matter.
constexpr std::array<std::string_view, 58> common_stems{
    "1q2w3e4r", "1qaz2wsx",   "abc",        "abcd",          "abcdef",   "abcdefg",  "abcdefgh",
    "access",   "admin",      "adminadmin", "administrator", "asdf",     "asdfasdf", "asdfgh",
    "asdfghjk", "asdfghjkl",  "atproto",    "baseball",      "bluesky",  "changeme", "charlie",
    "computer", "default",    "dragon",     "football",      "freedom",  "guest",    "hello",
    "iloveyou", "internet",   "letmein",    "login",         "master",   "michael",  "monkey",
    "mustang",  "pass",       "passpass",   "password",      "passw0rd", "p@ssword", "p@ssw0rd",
    "princess", "q1w2e3r4",   "qazwsx",     "qazwsxedc",     "qwer",     "qwert",    "qwerty",
    "qwertyui", "qwertyuiop", "secret",     "starwars",      "sunshine", "superman", "trustno",
    "welcome",  "zxcvbnm",
};

bool is_letter(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

// One character repeated, or a run such as 12345678 or 87654321, wrapping at the end.
bool is_run(std::string_view text) {
    const auto all_steps = [&](int step) {
        for (std::size_t i = 1; i < text.size(); ++i) {
            const int difference = text[i] - text[i - 1];
            const bool wraps = text[i] == '0' && text[i - 1] == '9' && step == 1;
            if (difference != step && !wraps) return false;
        }
        return true;
    };
    return all_steps(0) || all_steps(1) || all_steps(-1);
}

bool is_common(std::string_view password) {
    if (is_run(password)) return true;
    std::string stem(password);
    std::ranges::transform(stem, stem.begin(), [](unsigned char c) { return std::tolower(c); });
    // The same half twice ("abcd1234abcd1234") is no better than the half.
    const std::size_t half = stem.size() / 2;
    if (stem.size() % 2 == 0 && half > 0 &&
        std::string_view(stem).substr(0, half) == std::string_view(stem).substr(half))
        return half < limits::password_bytes_min || is_common(password.substr(0, half));
    if (std::ranges::find(common_stems, stem) != common_stems.end()) return true;
    while (!stem.empty() && !is_letter(stem.back()))
        stem.pop_back();
    const bool found = std::ranges::find(common_stems, stem) != common_stems.end();
    wipe(stem.data(), stem.size());
    return found;
}

}  // namespace

Result<void> check_new_password(const SecretText& password) {
    const std::size_t size = password.reveal().size();
    const auto refuse = [](std::string message) {
        return refusal(std::move(message), error_names::InvalidPassword);
    };
    if (size < limits::password_bytes_min)
        return refuse("Password too short. Minimum length is 8 characters.");
    if (size > limits::new_password_bytes_max)
        return refuse("Password too long. Maximum length is 256 characters.");
    if (is_common(password.reveal()))
        return refuse("This password is among the first that are guessed. Please choose another.");
    return {};
}

}  // namespace roost::pds
