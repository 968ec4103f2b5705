#include "net/stream.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>

namespace roost::net {

namespace {

// Pieces of one sendmsg(): the array lives on the stack, and more than these gain little.
constexpr std::size_t pieces_max = 128;

}  // namespace

Stream::Stream(Socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Stream::~Stream() {
    if (tls_ && !is_cancelled_) tls_->shutdown();
}

IoResult Stream::try_write(std::string_view data) {
    if (is_cancelled_) return {IoStatus::failed};
    if (tls_) {
        // OpenSSL writes one record at a time.
        std::size_t sent = 0;
        while (sent < data.size()) {
            const IoResult result = tls_->write(data.data() + sent, data.size() - sent);
            if (result.status != IoStatus::done)
                return sent > 0 ? IoResult{IoStatus::done, sent} : result;
            sent += result.size;
        }
        return {IoStatus::done, sent};
    }
    while (true) {
        const ssize_t sent =
            ::send(socket_.native_handle(), data.data(), data.size(), MSG_NOSIGNAL);
        if (sent >= 0) return {IoStatus::done, static_cast<std::size_t>(sent)};
        if (errno == EAGAIN) return {IoStatus::want_write};
        if (errno != EINTR) return {IoStatus::failed};
    }
}

IoResult Stream::try_write_many(std::span<const std::string_view> pieces) {
    if (is_cancelled_) return {IoStatus::failed};
    std::array<iovec, pieces_max> vectors;
    const std::size_t count = std::min(pieces.size(), pieces_max);
    for (std::size_t i = 0; i < count; ++i)
        vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    while (true) {
        const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
        if (sent >= 0) return {IoStatus::done, static_cast<std::size_t>(sent)};
        if (errno == EAGAIN) return {IoStatus::want_write};
        if (errno != EINTR) return {IoStatus::failed};
    }
}

IoResult Stream::try_write_file(const FilePiece& piece) {
    if (is_cancelled_) return {IoStatus::failed};
    off_t offset = piece.offset;
    while (true) {
        const ssize_t sent =
            ::sendfile(socket_.native_handle(), piece.descriptor, &offset, piece.size);
        if (sent > 0) return {IoStatus::done, static_cast<std::size_t>(sent)};
        if (sent == 0) return {IoStatus::ended};
        if (errno == EAGAIN) return {IoStatus::want_write};
        if (errno != EINTR) return {IoStatus::failed};
    }
}

bool Stream::is_quiet() {
    char byte = 0;
    const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && errno == EAGAIN;
}

void Stream::interrupt() {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void Stream::cancel() {
    is_cancelled_ = true;
    interrupt();
}

void Stream::shutdown_send() {
    if (tls_) tls_->shutdown();
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

bool Stream::Operation::await_ready() {
    if (stream_.is_cancelled_) return true;
    // A plain read is left to Asio, which knows when the socket is empty.
    if (kind_ == Kind::connect || kind_ == Kind::ready || (kind_ == Kind::read && !stream_.tls_))
        return false;
    return attempt();
}

void Stream::Operation::await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    if (kind_ == Kind::connect) result_.status = IoStatus::want_write;
    wait();
}

// True if it is over.
bool Stream::Operation::attempt() {
    switch (kind_) {
        case Kind::handshake:
            result_ = stream_.tls_->handshake();
            break;
        case Kind::read:
            result_ = stream_.tls_->read(to_, size_);
            break;
        case Kind::write:
            result_ = stream_.try_write({from_, size_});
            break;
        case Kind::ready:
            result_.status = IoStatus::done;
            break;
        case Kind::connect: {
            int error = 0;
            socklen_t size = sizeof(error);
            ::getsockopt(stream_.socket_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
            result_.status = error == 0 ? IoStatus::done : IoStatus::failed;
            break;
        }
    }
    return result_.status != IoStatus::want_read && result_.status != IoStatus::want_write;
}

void Stream::Operation::wait() {
    if (kind_ == Kind::read && !stream_.tls_) {
        stream_.socket_.async_read_some(
            asio::buffer(to_, size_),
            [this](const boost::system::error_code& error, std::size_t size) {
                if (!error)
                    finish({IoStatus::done, size});
                else
                    finish({error == asio::error::eof ? IoStatus::ended : IoStatus::failed, 0});
            });
        return;
    }
    const auto what =
        result_.status == IoStatus::want_read ? Socket::wait_read : Socket::wait_write;
    stream_.socket_.async_wait(what, [this](const boost::system::error_code& error) {
        if (error || stream_.is_cancelled_)
            finish({IoStatus::failed, 0});
        else if (attempt())
            finish(result_);
        else
            wait();
    });
}

void Stream::Operation::finish(IoResult result) {
    result_ = result;
    waiting_.resume();
}

}  // namespace roost::net
