// Mail for tests: the queue of dev mode, and what was written to whom.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "pds/mail/mail_queue.h"
#include "pds/testing.h"

namespace roost::pds::testing {

class TestMail {
  public:
    explicit TestMail(TestDatabase& bed, mail::Delivery delivery = mail::Delivery::outbox)
        : bed_(bed) {
        mail::MailOptions options;
        options.delivery = delivery;
        options.hostname = "pds.test";
        options.branding = {"Test", "https://pds.test", ""};
        queue_ = must(mail::MailQueue::start(bed.db(), options));
    }

    mail::MailQueue& queue() { return *queue_; }

    // How many letters were written so far, sent or waiting.
    std::int64_t count() {
        return bed_.count(
            "SELECT (SELECT count(*) FROM mail_queue) + (SELECT count(*) FROM mail_outbox)");
    }
    // The code in the newest letter of that kind to that address; waits for it, ten seconds at
    // most.
    std::string code_sent_to(const std::string& address, mail::LetterKind kind) {
        for (int i = 0; i < 1'000; ++i) {
            for (const auto& letter : must(bed_.loop.run(queue_->outbox())))
                if (letter.to == address && letter.kind == kind)
                    return code_in(letter.rendered.text);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return "no letter";
    }

  private:
    static std::string code_in(const std::string& text) {
        const auto is_code = [](char c) {
            return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
        };
        for (std::size_t dash = text.find('-'); dash != std::string::npos;
             dash = text.find('-', dash + 1)) {
            if (dash < 5 || dash + 5 >= text.size()) continue;
            bool is_all = true;
            for (std::size_t i = 1; i <= 5; ++i)
                is_all = is_all && is_code(text[dash - i]) && is_code(text[dash + i]);
            if (is_all) return text.substr(dash - 5, 11);
        }
        return "no code";
    }

    TestDatabase& bed_;
    std::unique_ptr<mail::MailQueue> queue_;
};

}  // namespace roost::pds::testing
