// What the house counts about itself, in the text format that Prometheus reads.
//
// One object, owned by the house. Requests are counted here, as they end: any thread, without a
// lock, a few nanoseconds. Everything else that has a number (connections, the database's queue,
// the hash queue, mails) keeps it itself and is asked when someone reads the metrics.
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace roost::web {

class Metrics {
  public:
    // A method, resolved once when the routes are built.
    struct Method {
        std::uint32_t index = 0;  // 0: "other"
    };

    // The methods are the label's only values, besides "other": strangers cannot make new ones.
    explicit Metrics(std::span<const std::string_view> methods);
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    Method method(std::string_view nsid) const;
    void count_request(Method method, int http_status, std::int64_t duration_us);

    // The value is asked for in render(), on its thread; what the function uses must outlive this.
    // A counter never goes down. Names are written in full: "roost_mail_queue_length".
    enum class Kind { gauge, counter };
    using Sample = std::function<double()>;
    void add(Kind kind, std::string name, std::string meaning, Sample sample);

    // Any thread, at any time after the last add().
    std::string render() const;

  private:
    class Counts;
    std::unique_ptr<Counts> counts_;
};

}  // namespace roost::web
