#include "generator.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <system_error>
#include <vector>

#include "answer.h"
#include "atproto/data/json.h"
#include "base/clock.h"
#include "processes.h"
#include "sockets.h"

namespace roost::load {

namespace {

// Password hashes queue for about a second.
constexpr std::int64_t drain_us = 5'000'000;
constexpr std::uint64_t broken_max = 1'000;
constexpr int wait_ms_max = 100;

struct Connection {
    const Group* group = nullptr;
    std::size_t* next_request = nullptr;  // of the group
    int socket = -1;
    Answer answer;
    std::string token;
    std::string sending;
    std::size_t sent = 0;
    std::size_t label = 0;
    std::int64_t started_us = 0;
    bool is_waiting = false;  // for an answer
};

struct Counts {
    std::vector<std::int64_t> times_us;
    std::map<int, std::uint64_t> statuses;
};

struct Moment {
    std::int64_t time_us = 0;
    CpuSeconds server;
    double generator = 0;
    double machine = 0;
};

std::string decimal(double number) {
    // JSON of the data model has no fractions, plain JSON does.
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.6f", number);
    return text.data();
}

std::string milliseconds(const std::vector<std::int64_t>& sorted, double share) {
    if (sorted.empty()) return "null";
    const auto place = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
    return decimal(static_cast<double>(sorted[place]) / 1e3);
}

class Generator {
  public:
    Generator(const Plan& plan, const Order& order)
        : order_(order),
          plan_(plan),
          next_requests_(plan.groups.size()),
          counts_(plan.labels.size()),
          number_(order.first_number) {
        for (std::size_t i = 0; i < plan.groups.size(); ++i)
            for (std::size_t k = 0; k < plan.groups[i].connections; ++k) {
                Connection& connection = connections_.emplace_back();
                connection.group = &plan.groups[i];
                connection.next_request = &next_requests_[i];
                if (!connection.group->chain_field.empty())
                    connection.token = connection.group->first_tokens[k];
            }
    }
    ~Generator() {
        for (const Connection& connection : connections_)
            if (connection.socket >= 0) close(connection.socket);
        if (poll_ >= 0) close(poll_);
    }
    Generator(const Generator&) = delete;
    Generator& operator=(const Generator&) = delete;

    std::string run();

  private:
    void open(Connection& connection);
    void send_next(Connection& connection);
    void send_more(Connection& connection);
    void receive(Connection& connection);
    void finish(Connection& connection);
    void break_off(Connection& connection);
    void wait_until(std::int64_t end_us, bool only_while_waiting);
    Moment moment() const;
    std::string figures(const Moment& begin, const Moment& end);

    const Order& order_;
    const Plan& plan_;
    std::vector<std::size_t> next_requests_;
    std::vector<Connection> connections_;
    std::vector<Counts> counts_;
    std::array<char, 256 * 1024> buffer_{};
    std::string bad_answer_;
    std::uint64_t number_;
    std::uint64_t broken_ = 0;
    std::size_t waiting_ = 0;
    int poll_ = -1;
    bool is_counting_ = false;
    bool is_sending_ = true;
};

void Generator::open(Connection& connection) {
    connection.socket = connect_to(order_.port);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, connection.socket, &event);
}

void Generator::send_next(Connection& connection) {
    const std::vector<Request>& requests = connection.group->requests;
    const Request& request = requests[(*connection.next_request)++ % requests.size()];
    connection.sending.clear();
    request.append_to(connection.sending, number_++, connection.token);
    connection.sent = 0;
    connection.label = request.label;
    connection.answer.reset();
    connection.is_waiting = true;
    ++waiting_;
    connection.started_us = monotonic_us();
    send_more(connection);
}

void Generator::send_more(Connection& connection) {
    const bool began = connection.sent == 0;
    while (connection.sent < connection.sending.size()) {
        const ssize_t size = send(connection.socket, connection.sending.data() + connection.sent,
                                  connection.sending.size() - connection.sent, MSG_NOSIGNAL);
        if (size < 0 && errno == EAGAIN) break;
        if (size < 0) return break_off(connection);
        connection.sent += static_cast<std::size_t>(size);
    }
    const bool is_done = connection.sent == connection.sending.size();
    if (is_done && began) return;  // the usual case: nothing had to wait
    epoll_event event{.events = is_done ? EPOLLIN : EPOLLIN | EPOLLOUT,
                      .data = {.ptr = &connection}};
    epoll_ctl(poll_, EPOLL_CTL_MOD, connection.socket, &event);
}

void Generator::receive(Connection& connection) {
    const ssize_t size = recv(connection.socket, buffer_.data(), buffer_.size(), 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0 || !connection.is_waiting) return break_off(connection);
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(size));
    switch (connection.answer.feed(bytes)) {
        case Answer::Progress::more:
            return;
        case Answer::Progress::broken:
            return break_off(connection);
        case Answer::Progress::whole:
            return finish(connection);
    }
}

void Generator::finish(Connection& connection) {
    const Answer& answer = connection.answer;
    connection.is_waiting = false;
    --waiting_;
    if (is_counting_) {
        Counts& counts = counts_[connection.label];
        counts.times_us.push_back(monotonic_us() - connection.started_us);
        ++counts.statuses[answer.status()];
        if (answer.status() / 100 != 2 && bad_answer_.empty()) bad_answer_ = answer.body();
    }
    if (!connection.group->chain_field.empty()) {
        const auto document = atproto::json::parse(answer.body());
        const atproto::Object* object = document ? document->as<atproto::Object>() : nullptr;
        const atproto::Value* field =
            object ? object->find(connection.group->chain_field) : nullptr;
        if (field && field->as<std::string>()) connection.token = *field->as<std::string>();
    }
    if (answer.is_last()) {
        close(connection.socket);
        open(connection);
    }
    if (is_sending_) send_next(connection);
}

void Generator::break_off(Connection& connection) {
    if (++broken_ > broken_max)
        throw std::system_error(ECONNRESET, std::generic_category(), "the server keeps hanging up");
    if (connection.is_waiting) --waiting_;
    connection.is_waiting = false;
    close(connection.socket);
    open(connection);
    if (is_sending_) send_next(connection);
}

void Generator::wait_until(std::int64_t end_us, bool only_while_waiting) {
    std::array<epoll_event, 128> events;
    for (;;) {
        const std::int64_t left_us = end_us - monotonic_us();
        if (left_us <= 0 || (only_while_waiting && waiting_ == 0)) return;
        const int wait_ms =
            static_cast<int>(std::min<std::int64_t>(left_us / 1'000 + 1, wait_ms_max));
        const int count =
            epoll_wait(poll_, events.data(), static_cast<int>(events.size()), wait_ms);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            Connection& connection = *static_cast<Connection*>(event.data.ptr);
            if (event.events & EPOLLOUT) send_more(connection);
            if (event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) receive(connection);
        }
    }
}

Moment Generator::moment() const {
    return {monotonic_us(), order_.server > 0 ? cpu_of_tree(order_.server) : CpuSeconds{},
            cpu_of_this_process(), cpu_of_machine()};
}

std::string Generator::run() {
    poll_ = epoll_create1(EPOLL_CLOEXEC);
    for (Connection& connection : connections_)
        open(connection);
    for (Connection& connection : connections_)
        send_next(connection);
    const auto us = [](double seconds) { return static_cast<std::int64_t>(seconds * 1e6); };
    wait_until(monotonic_us() + us(order_.warm_up_s), false);
    const Moment begin = moment();
    is_counting_ = true;
    wait_until(begin.time_us + us(order_.seconds), false);
    is_counting_ = false;
    const Moment end = moment();
    is_sending_ = false;
    wait_until(monotonic_us() + drain_us, true);
    return figures(begin, end);
}

std::string Generator::figures(const Moment& begin, const Moment& end) {
    const double seconds = static_cast<double>(end.time_us - begin.time_us) / 1e6;
    const double server = end.server.all - begin.server.all;
    const double generator = end.generator - begin.generator;
    std::uint64_t answers = 0;
    std::string labels;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        std::vector<std::int64_t>& times = counts_[i].times_us;
        std::ranges::sort(times);
        answers += times.size();
        if (i > 0) labels += ',';
        atproto::json::append_string(labels, plan_.labels[i]);
        labels += R"(:{"answers":)" + std::to_string(times.size()) + R"(,"statuses":{)";
        for (std::string_view comma; const auto& [status, count] : counts_[i].statuses) {
            labels.append(comma).append("\"" + std::to_string(status) + "\":");
            labels += std::to_string(count);
            comma = ",";
        }
        labels += R"(},"p50_ms":)" + milliseconds(times, 0.5);
        labels += R"(,"p99_ms":)" + milliseconds(times, 0.99);
        labels += R"(,"max_ms":)" + milliseconds(times, 1) + "}";
    }
    std::string bad_answer;
    atproto::json::append_string(bad_answer, bad_answer_);
    return R"({"seconds":)" + decimal(seconds) + R"(,"next_number":)" + std::to_string(number_) +
           R"(,"answers":)" + std::to_string(answers) + R"(,"server_cpu_s":)" + decimal(server) +
           R"(,"low_priority_cpu_s":)" +
           decimal(end.server.low_priority - begin.server.low_priority) + R"(,"generator_cpu_s":)" +
           decimal(generator) + R"(,"elsewhere_cores":)" +
           decimal((end.machine - begin.machine - server - generator) / seconds) + R"(,"broken":)" +
           std::to_string(broken_) + R"(,"bad_answer":)" + bad_answer + R"(,"labels":{)" + labels +
           "}}";
}

}  // namespace

std::string run_plan(const Plan& plan, const Order& order) {
    return Generator(plan, order).run();
}

}  // namespace roost::load
