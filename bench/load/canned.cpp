#include "canned.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sockets.h"

namespace roost::load {

namespace {

volatile sig_atomic_t is_over = 0;

constexpr std::string_view body =
    R"({"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","handle":"atproto.com","email":")"
    R"(someone@example.org","emailConfirmed":true,"active":true,"n":123456789})";

// Takes whole requests off the front; how many there were.
int take_requests(std::string& bytes) {
    int requests = 0;
    for (;;) {
        const std::size_t end = bytes.find("\r\n\r\n");
        if (end == std::string::npos) return requests;
        std::size_t size = 0;
        constexpr std::string_view name = "Content-Length: ";  // as our generator writes it
        if (const std::size_t at = bytes.find(name); at < end)
            std::from_chars(bytes.data() + at + name.size(), bytes.data() + end, size);
        if (bytes.size() < end + 4 + size) return requests;
        bytes.erase(0, end + 4 + size);
        ++requests;
    }
}

// False when the connection is over.
bool serve(int peer, std::string& bytes, std::string_view answer) {
    static std::array<char, 256 * 1024> buffer;
    const ssize_t size = recv(peer, buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    bytes.append(buffer.data(), static_cast<std::size_t>(size));
    for (int left = take_requests(bytes); left > 0; --left)
        if (send(peer, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return false;
    return true;
}

void watch(int poll, int socket) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = socket}};
    epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
}

}  // namespace

int run_canned_server(std::uint16_t port) {
    struct sigaction action{};
    action.sa_handler = [](int) { is_over = 1; };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
    const int listener = listen_on(port);
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    watch(poll, listener);
    std::unordered_map<int, std::string> waiting;  // what each connection has sent of a request
    std::array<epoll_event, 128> events;
    while (!is_over) {
        const int count = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const int socket = events[static_cast<std::size_t>(i)].data.fd;
            if (socket == listener) {
                const int peer = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (peer < 0) continue;
                const int on = 1;
                setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                waiting[peer].clear();
                watch(poll, peer);
            } else if (!serve(socket, waiting[socket], answer)) {
                waiting.erase(socket);
                close(socket);
            }
        }
    }
    close(poll);
    close(listener);
    return 0;
}

}  // namespace roost::load
