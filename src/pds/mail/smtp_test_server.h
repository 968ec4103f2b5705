// A mail server for tests, on a thread of its own: takes letters, and misbehaves as it is told.
//
// Speaks to one client after the other on 127.0.0.1. All functions may be called from any thread.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"

namespace roost::pds::mail {

class SmtpTestServer {
  public:
    struct Received {
        std::string hello;
        std::string from;
        std::string to;
        std::string data;
    };

    // Port 0: any free one.
    explicit SmtpTestServer(int port = 0) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        check(listener_ >= 0, "a test has sockets");
        const int yes = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        check(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
              "the test's port is free");
        check(::listen(listener_, 8) == 0, "a test can listen");
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~SmtpTestServer() {
        stopping_ = true;
        thread_.join();
        ::close(listener_);
    }
    SmtpTestServer(const SmtpTestServer&) = delete;
    SmtpTestServer& operator=(const SmtpTestServer&) = delete;

    int port() const { return port_; }
    std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }

    // The next time this command comes ("GREETING" and "CONTENT" are the connection and the end of
    // the letter), it is answered like this; "" means never.
    void answer_next(const std::string& command, const std::string& reply) {
        const std::lock_guard lock(mutex_);
        replies_[command].push_back(reply);
    }

    // Waits for that many letters, at most ten seconds.
    std::vector<Received> wait_for_letters(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(10),
                          [&] { return received_.size() >= count; });
        return received_;
    }
    // Waits until this command has come that often in all, at most ten seconds.
    bool wait_for_command(const std::string& command, int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(10),
                                 [&] { return commands_[command] >= count; });
    }
    std::size_t letters() {
        const std::lock_guard lock(mutex_);
        return received_.size();
    }
    // Letters that came to their end, taken or not.
    std::vector<Received> attempts() {
        const std::lock_guard lock(mutex_);
        return attempts_;
    }
    // Everything clients have said so far, outside of letters.
    std::string transcript() {
        const std::lock_guard lock(mutex_);
        return transcript_;
    }

  private:
    bool wait_readable(int socket) const {
        while (!stopping_) {
            pollfd wanted{socket, POLLIN, 0};
            if (::poll(&wanted, 1, 20) > 0) return true;
        }
        return false;
    }

    void serve() {
        while (wait_readable(listener_)) {
            const int client = ::accept(listener_, nullptr, nullptr);
            if (client < 0) continue;
            talk(client);
            ::close(client);
        }
    }

    std::optional<std::string> read_line(int client, std::string& buffer) const {
        while (true) {
            const std::size_t end = buffer.find("\r\n");
            if (end != std::string::npos) {
                std::string line = buffer.substr(0, end);
                buffer.erase(0, end + 2);
                return line;
            }
            if (!wait_readable(client)) return std::nullopt;
            char bytes[4096];
            const ssize_t count = ::recv(client, bytes, sizeof bytes, 0);
            if (count <= 0) return std::nullopt;
            buffer.append(bytes, static_cast<std::size_t>(count));
        }
    }

    // Says what was ordered or the usual; false ends the connection.
    bool reply(int client, const std::string& command, const std::string& usual) {
        std::string text = usual;
        {
            const std::lock_guard lock(mutex_);
            ++commands_[command];
            auto& ordered = replies_[command];
            if (!ordered.empty()) {
                text = ordered.front();
                ordered.pop_front();
            }
        }
        changed_.notify_all();
        if (text.empty()) {
            wait_readable(client);  // until the client gives up, or the test ends
            return false;
        }
        text += "\r\n";
        last_was_yes_ = text[0] == '2' || text[0] == '3';
        return ::send(client, text.data(), text.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(text.size());
    }

    void talk(int client) {
        std::string buffer;
        std::string last_command;
        Received letter;
        if (!reply(client, "GREETING", "220 test ready")) return;
        while (const auto line = read_line(client, buffer)) {
            {
                const std::lock_guard lock(mutex_);
                transcript_ += *line + "\n";
            }
            const std::string command = line->substr(0, 4);
            std::string usual = "250 fine";
            if (command == "EHLO") {
                letter.hello = line->substr(5);
                usual = "250-test\r\n250-AUTH PLAIN\r\n250 8BITMIME";
            }
            if (command == "AUTH") usual = "334 ";
            if (last_command == "AUTH") usual = "235 welcome";
            if (command == "DATA") usual = "354 go on";
            if (command == "QUIT") usual = "221 bye";
            if (!reply(client, command, usual)) return;
            last_command = command;
            if (command == "MAIL") letter.from = *line;
            if (command == "RCPT") letter.to = *line;
            if (command == "DATA" && last_was_yes_ && !take_content(client, buffer, letter)) return;
        }
    }

    bool take_content(int client, std::string& buffer, Received letter) {
        while (true) {
            const auto line = read_line(client, buffer);
            if (!line) return false;
            if (*line == ".") break;
            letter.data += (line->starts_with('.') ? line->substr(1) : *line) + "\r\n";
        }
        {
            const std::lock_guard lock(mutex_);
            attempts_.push_back(letter);
        }
        const bool answered = reply(client, "CONTENT", "250 taken");
        if (answered && last_was_yes_) {
            const std::lock_guard lock(mutex_);
            received_.push_back(letter);
        }
        changed_.notify_all();
        return answered;
    }

    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> stopping_ = false;
    bool last_was_yes_ = false;  // the thread's own
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::deque<std::string>> replies_;
    std::map<std::string, int> commands_;
    std::vector<Received> attempts_;
    std::vector<Received> received_;
    std::string transcript_;
    std::thread thread_;
};

}  // namespace roost::pds::mail
