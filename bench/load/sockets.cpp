#include "sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace roost::load {

namespace {

constexpr int backlog = 256;

[[noreturn]] void fail(int socket, const char* what) {
    const int error = errno;
    if (socket >= 0) close(socket);
    throw std::system_error(error, std::generic_category(), what);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

}  // namespace

int listen_on(std::uint16_t port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) fail(listener, "socket");
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail(listener, "bind");
    if (listen(listener, backlog) != 0) fail(listener, "listen");
    return listener;
}

int connect_to(std::uint16_t port) {
    const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer < 0) fail(peer, "socket");
    const sockaddr_in address = loopback(port);
    if (connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail(peer, "connect");
    const int on = 1;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fcntl(peer, F_SETFL, O_NONBLOCK) != 0) fail(peer, "fcntl");
    return peer;
}

}  // namespace roost::load
