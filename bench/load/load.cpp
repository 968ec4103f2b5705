// The load generator of the load bench, and the server that shows what it can do at most:
//
//     load --port P --plan FILE [--server PID] [--warm-up S] [--seconds S] [--first-number N]
//     load --canned PORT
//
// The first prints one line of JSON (generator.h); plan.h tells what a plan is. run.mjs calls both.
#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

#include "canned.h"
#include "generator.h"
#include "plan.h"

namespace {

using namespace roost::load;

constexpr int exit_failed = 1;
constexpr int exit_wrong_usage = 2;

template <class T>
bool take(std::map<std::string_view, std::string_view>& flags, std::string_view name, T& value) {
    const auto flag = flags.extract(name);
    if (flag.empty()) return false;
    const std::string_view text = flag.mapped();
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

int run(std::map<std::string_view, std::string_view> flags) {
    std::uint16_t canned = 0;
    if (take(flags, "--canned", canned) && flags.empty()) return run_canned_server(canned);

    Order order;
    const auto file_name = flags.extract("--plan");
    const bool is_complete = take(flags, "--port", order.port) && !file_name.empty();
    take(flags, "--server", order.server);
    take(flags, "--warm-up", order.warm_up_s);
    take(flags, "--seconds", order.seconds);
    take(flags, "--first-number", order.first_number);
    if (!is_complete || !flags.empty()) {
        std::fputs(
            "usage: load --port P --plan FILE [--server PID] [--warm-up S] [--seconds S] "
            "[--first-number N]\n       load --canned PORT\n",
            stderr);
        return exit_wrong_usage;
    }
    std::ifstream file{std::string(file_name.mapped())};
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto plan = parse_plan(text);
    if (!plan) {
        std::fprintf(stderr, "load: %s\n", plan.error().message.c_str());
        return exit_failed;
    }
    std::puts(run_plan(*plan, order).c_str());
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    std::map<std::string_view, std::string_view> flags;
    for (int i = 1; i < count; i += 2)
        flags[arguments[i]] = i + 1 < count ? arguments[i + 1] : "";
    try {
        return run(std::move(flags));
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "load: %s\n", problem.what());
        return exit_failed;
    }
}
