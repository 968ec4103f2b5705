#include "web/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <map>
#include <vector>

#include "base/check.h"
#include "web/limits.h"

namespace roost::web {

namespace {

// The statuses that roost answers with. Any other is counted with the last of its hundred.
constexpr std::array statuses = {100, 101, 199, 200, 204, 206, 299, 301, 302, 303, 304,
                                 399, 400, 401, 403, 404, 405, 408, 409, 413, 415, 416,
                                 429, 431, 499, 500, 501, 502, 503, 504, 507, 599};

constexpr std::array<std::int64_t, 15> bucket_ends_us = {
    50,     100,    250,     500,     1'000,   2'500,     5'000,     10'000,
    25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 10'000'000};

std::size_t status_index(int status) {
    const int bounded = std::clamp(status, 100, 599);
    auto found = std::ranges::lower_bound(statuses, bounded);
    if (*found != bounded) found = std::ranges::lower_bound(statuses, (bounded / 100) * 100 + 99);
    return static_cast<std::size_t>(found - statuses.begin());
}

using Number = std::atomic<std::int64_t>;

struct Cell {
    std::array<Number, statuses.size()> by_status{};
    std::array<Number, bucket_ends_us.size() + 1> by_duration{};  // the last: longer than all
    Number duration_us_sum{0};
};

// Threads count in different shards, so that they do not fight over cache lines.
std::size_t shard_of_this_thread() {
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t shard =
        next.fetch_add(1, std::memory_order_relaxed) % limits::metric_shards;
    return shard;
}

prometheus::ClientMetric::Label label(std::string name, std::string value) {
    prometheus::ClientMetric::Label pair;
    pair.name = std::move(name);
    pair.value = std::move(value);
    return pair;
}

struct Sum {
    std::array<std::int64_t, statuses.size()> by_status{};
    std::array<std::int64_t, bucket_ends_us.size() + 1> by_duration{};
    std::int64_t duration_us_sum = 0;
};

void append_requests(const std::string& method, const Sum& sum, prometheus::MetricFamily& family) {
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        if (sum.by_status[i] == 0) continue;
        prometheus::ClientMetric metric;
        metric.label = {label("method", method), label("status", std::to_string(statuses[i]))};
        metric.counter.value = static_cast<double>(sum.by_status[i]);
        family.metric.push_back(std::move(metric));
    }
}

void append_durations(const std::string& method, const Sum& sum, prometheus::MetricFamily& family) {
    prometheus::ClientMetric metric;
    metric.label = {label("method", method)};
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < sum.by_duration.size(); ++i) {
        count += static_cast<std::uint64_t>(sum.by_duration[i]);
        const double end = i < bucket_ends_us.size() ? static_cast<double>(bucket_ends_us[i]) / 1e6
                                                     : std::numeric_limits<double>::infinity();
        metric.histogram.bucket.push_back({count, end});
    }
    if (count == 0) return;
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = static_cast<double>(sum.duration_us_sum) / 1e6;
    family.metric.push_back(std::move(metric));
}

}  // namespace

class Metrics::Counts {
  public:
    struct Sampled {
        Kind kind;
        std::string name;
        std::string meaning;
        Sample sample;
    };

    explicit Counts(std::span<const std::string_view> methods) {
        names.emplace_back("other");
        for (const std::string_view method : methods) {
            check(names.size() < limits::metric_methods_max, "methods are few enough to count");
            index_of.emplace(method, static_cast<std::uint32_t>(names.size()));
            names.emplace_back(method);
        }
        for (auto& shard : shards)
            shard = std::make_unique<Cell[]>(names.size());
    }

    Sum sum_of(std::size_t method) const {
        Sum sum;
        for (const auto& shard : shards) {
            const Cell& cell = shard[method];
            for (std::size_t i = 0; i < sum.by_status.size(); ++i)
                sum.by_status[i] += cell.by_status[i].load(std::memory_order_relaxed);
            for (std::size_t i = 0; i < sum.by_duration.size(); ++i)
                sum.by_duration[i] += cell.by_duration[i].load(std::memory_order_relaxed);
            sum.duration_us_sum += cell.duration_us_sum.load(std::memory_order_relaxed);
        }
        return sum;
    }

    std::vector<std::string> names;
    std::map<std::string, std::uint32_t, std::less<>> index_of;
    std::array<std::unique_ptr<Cell[]>, limits::metric_shards> shards;
    std::vector<Sampled> sampled;
};

Metrics::Metrics(std::span<const std::string_view> methods)
    : counts_(std::make_unique<Counts>(methods)) {}
Metrics::~Metrics() = default;

Metrics::Method Metrics::method(std::string_view nsid) const {
    const auto found = counts_->index_of.find(nsid);
    return {found == counts_->index_of.end() ? 0 : found->second};
}

void Metrics::count_request(Method method, int http_status, std::int64_t duration_us) {
    Cell& cell = counts_->shards[shard_of_this_thread()][method.index];
    const auto bucket = std::ranges::lower_bound(bucket_ends_us, duration_us);
    const auto bucket_index = static_cast<std::size_t>(bucket - bucket_ends_us.begin());
    cell.by_status[status_index(http_status)].fetch_add(1, std::memory_order_relaxed);
    cell.by_duration[bucket_index].fetch_add(1, std::memory_order_relaxed);
    cell.duration_us_sum.fetch_add(duration_us, std::memory_order_relaxed);
}

void Metrics::add(Kind kind, std::string name, std::string meaning, Sample sample) {
    counts_->sampled.push_back({kind, std::move(name), std::move(meaning), std::move(sample)});
}

std::string Metrics::render() const {
    std::vector<prometheus::MetricFamily> families(2);
    families[0].name = "roost_requests_total";
    families[0].help = "Requests answered, by method and HTTP status";
    families[0].type = prometheus::MetricType::Counter;
    families[1].name = "roost_request_duration_seconds";
    families[1].help = "Time from the head of a request to the end of its handler";
    families[1].type = prometheus::MetricType::Histogram;
    for (std::size_t i = 0; i < counts_->names.size(); ++i) {
        const Sum sum = counts_->sum_of(i);
        append_requests(counts_->names[i], sum, families[0]);
        append_durations(counts_->names[i], sum, families[1]);
    }
    for (const auto& [kind, name, meaning, sample] : counts_->sampled) {
        prometheus::MetricFamily family;
        family.name = name;
        family.help = meaning;
        family.metric.resize(1);
        if (kind == Kind::counter) {
            family.type = prometheus::MetricType::Counter;
            family.metric[0].counter.value = sample();
        } else {
            family.type = prometheus::MetricType::Gauge;
            family.metric[0].gauge.value = sample();
        }
        families.push_back(std::move(family));
    }
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace roost::web
