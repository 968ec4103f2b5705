#include "net/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstring>
#include <map>

#include "base/check.h"
#include "base/clock.h"
#include "net/limits.h"

namespace roost::net {

namespace {

// What is asked, shared by the coroutine that waits and by c-ares: either may be done first.
struct Question {
    EventLoop& loop;
    std::coroutine_handle<> waiting;
    bool is_answered = false;
    int status = ARES_SUCCESS;
    std::vector<IpAddress> addresses;
    std::vector<std::string> texts;

    void answer(int answer_status) {
        status = answer_status;
        is_answered = true;
        // Not from inside c-ares, which is in the middle of something.
        if (waiting) loop.post([handle = std::exchange(waiting, nullptr)] { handle.resume(); });
    }
};
using QuestionPtr = std::shared_ptr<Question>;

QuestionPtr take_argument(void* argument) {
    const std::unique_ptr<QuestionPtr> owned(static_cast<QuestionPtr*>(argument));
    return std::move(*owned);
}

void on_addresses(void* argument, int status, int, ares_addrinfo* found) {
    const QuestionPtr question = take_argument(argument);
    for (auto* node = found == nullptr ? nullptr : found->nodes; node; node = node->ai_next) {
        IpAddress address;
        if (node->ai_family == AF_INET) {
            address.bytes[10] = address.bytes[11] = 0xff;
            const auto* v4 = reinterpret_cast<const sockaddr_in*>(node->ai_addr);
            std::memcpy(address.bytes.data() + 12, &v4->sin_addr, 4);
        } else if (node->ai_family == AF_INET6) {
            const auto* v6 = reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
            std::memcpy(address.bytes.data(), &v6->sin6_addr, 16);
        } else {
            continue;
        }
        question->addresses.push_back(address);
    }
    if (found != nullptr) ares_freeaddrinfo(found);
    std::ranges::partition(question->addresses, &IpAddress::is_v4);
    question->answer(status);
}

void on_texts(void* argument, int status, int, unsigned char* answer, int size) {
    const QuestionPtr question = take_argument(argument);
    ares_txt_ext* records = nullptr;
    if (status == ARES_SUCCESS) status = ares_parse_txt_reply_ext(answer, size, &records);
    for (const ares_txt_ext* record = records; record != nullptr; record = record->next) {
        // A record is cut into strings of 255 bytes.
        if (record->record_start != 0 || question->texts.empty()) question->texts.emplace_back();
        question->texts.back().append(reinterpret_cast<const char*>(record->txt), record->length);
    }
    if (records != nullptr) ares_free_data(records);
    question->answer(status);
}

// Suspends until the question is answered or the time is over.
class Answered final : private WheelEntry {
  public:
    Answered(Question& question, std::int64_t deadline_us)
        : question_(question), deadline_us_(deadline_us) {}
    bool await_ready() const { return question_.is_answered; }
    void await_suspend(std::coroutine_handle<> waiting) {
        question_.waiting = waiting;
        question_.loop.set_due(*this, deadline_us_);
    }
    bool await_resume() const { return question_.is_answered; }

  private:
    void on_due(std::int64_t) override {
        if (question_.waiting) std::exchange(question_.waiting, nullptr).resume();
    }
    Question& question_;
    std::int64_t deadline_us_;
};

bool means_nothing_there(int status) {
    return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME;
}

Error failure(const std::string& name, bool is_answered, int status) {
    if (!is_answered || status == ARES_ETIMEOUT)
        return {Fault::upstream_timeout, "UpstreamTimeout",
                "The name servers did not answer for " + name + " in time."};
    return {Fault::upstream_failed, "UpstreamFailure",
            "Cannot resolve " + name + ": " + ares_strerror(status) + "."};
}

class AresResolver final : public Resolver, private WheelEntry {
  public:
    AresResolver(EventLoop& loop, std::vector<std::string> nameservers)
        : loop_(loop), nameservers_(std::move(nameservers)) {
        open();
    }
    ~AresResolver() override { close(); }

    Task<Result<std::vector<IpAddress>>> addresses(std::string host,
                                                   std::int64_t deadline_us) override;
    Task<Result<std::vector<std::string>>> texts(std::string name,
                                                 std::int64_t deadline_us) override;

  private:
    // A socket of c-ares, watched by the loop, closed by c-ares.
    struct Watch {
        explicit Watch(EventLoop& loop, int socket) : descriptor(loop.io(), socket) {}
        asio::posix::basic_stream_descriptor<LoopExecutor> descriptor;
        bool wants_read = false;
        bool wants_write = false;
        bool is_reading = false;
        bool is_writing = false;
    };
    using WatchPtr = std::shared_ptr<Watch>;

    void open();
    void close();
    QuestionPtr new_question();
    static void on_socket_state(void* self, int socket, int wants_read, int wants_write);
    void watch(int socket, bool wants_read, bool wants_write);
    void wait(int socket, const WatchPtr& watch);
    void on_due(std::int64_t now_us) override;

    EventLoop& loop_;
    std::vector<std::string> nameservers_;
    ares_channel channel_ = nullptr;
    std::int64_t opened_us_ = 0;
    std::map<int, WatchPtr> watches_;
};

void AresResolver::open() {
    ares_options options{};
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    options.timeout = dns_try_ms;
    options.tries = dns_tries;
    options.sock_state_cb = on_socket_state;
    options.sock_state_cb_data = this;
    std::string files_then_dns = "fb";
    options.lookups = files_then_dns.data();
    const int status = ares_init_options(&channel_, &options,
                                         ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                             ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS);
    check(status == ARES_SUCCESS, "c-ares starts");
    opened_us_ = monotonic_us();
    if (nameservers_.empty()) return;
    std::string list;
    for (const std::string& server : nameservers_)
        list += (list.empty() ? "" : ",") + server;
    check(ares_set_servers_ports_csv(channel_, list.c_str()) == ARES_SUCCESS,
          "name servers are addresses");
}

void AresResolver::close() {
    ares_destroy(channel_);
    watches_.clear();
}

// Also reads resolv.conf anew now and then: a host may move to another network.
QuestionPtr AresResolver::new_question() {
    constexpr std::int64_t reopen_us = 60'000'000;
    if (watches_.empty() && monotonic_us() - opened_us_ > reopen_us) {
        close();
        open();
    }
    return std::make_shared<Question>(loop_);
}

void AresResolver::on_socket_state(void* self, int socket, int wants_read, int wants_write) {
    static_cast<AresResolver*>(self)->watch(socket, wants_read != 0, wants_write != 0);
}

void AresResolver::watch(int socket, bool wants_read, bool wants_write) {
    const auto found = watches_.find(socket);
    if (!wants_read && !wants_write) {
        if (found == watches_.end()) return;
        found->second->wants_read = found->second->wants_write = false;
        found->second->descriptor.release();
        watches_.erase(found);
        return;
    }
    const WatchPtr watch =
        found != watches_.end()
            ? found->second
            : watches_.emplace(socket, std::make_shared<Watch>(loop_, socket)).first->second;
    watch->wants_read = wants_read;
    watch->wants_write = wants_write;
    wait(socket, watch);
    constexpr std::int64_t check_us = 100'000;
    if (due_us() == never) loop_.set_due(*this, monotonic_us() + check_us);
}

void AresResolver::wait(int socket, const WatchPtr& watch) {
    using Descriptor = asio::posix::descriptor_base;
    if (watch->wants_read && !watch->is_reading) {
        watch->is_reading = true;
        watch->descriptor.async_wait(Descriptor::wait_read, [=, this](const auto& error) {
            watch->is_reading = false;
            if (error || !watch->wants_read) return;
            ares_process_fd(channel_, socket, ARES_SOCKET_BAD);
            wait(socket, watch);
        });
    }
    if (watch->wants_write && !watch->is_writing) {
        watch->is_writing = true;
        watch->descriptor.async_wait(Descriptor::wait_write, [=, this](const auto& error) {
            watch->is_writing = false;
            if (error || !watch->wants_write) return;
            ares_process_fd(channel_, ARES_SOCKET_BAD, socket);
            wait(socket, watch);
        });
    }
}

// c-ares looks after its own time limits when it is called.
void AresResolver::on_due(std::int64_t now_us) {
    ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    constexpr std::int64_t check_us = 100'000;
    if (!watches_.empty()) loop_.set_due(*this, now_us + check_us);
}

Task<Result<std::vector<IpAddress>>> AresResolver::addresses(std::string host,
                                                             std::int64_t deadline_us) {
    const QuestionPtr question = new_question();
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, on_addresses,
                     new QuestionPtr(question));
    const bool is_answered = co_await Answered(*question, deadline_us);
    if (!is_answered || question->addresses.empty())
        co_return failure(host, is_answered,
                          question->status == ARES_SUCCESS ? ARES_ENODATA : question->status);
    co_return std::move(question->addresses);
}

Task<Result<std::vector<std::string>>> AresResolver::texts(std::string name,
                                                           std::int64_t deadline_us) {
    const QuestionPtr question = new_question();
    ares_query(channel_, name.c_str(), ns_c_in, ns_t_txt, on_texts, new QuestionPtr(question));
    const bool is_answered = co_await Answered(*question, deadline_us);
    if (is_answered && means_nothing_there(question->status)) co_return std::vector<std::string>();
    if (!is_answered || question->status != ARES_SUCCESS)
        co_return failure(name, is_answered, question->status);
    co_return std::move(question->texts);
}

}  // namespace

std::unique_ptr<Resolver> Resolver::make(EventLoop& loop, std::vector<std::string> nameservers) {
    static const int status = ares_library_init(ARES_LIB_INIT_ALL);
    check(status == ARES_SUCCESS, "c-ares starts");
    return std::make_unique<AresResolver>(loop, std::move(nameservers));
}

}  // namespace roost::net
