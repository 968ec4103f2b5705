// What a repository's tree costs, at a million records: one change and the new root, the blocks of
// its event, reading, walking, building and loading.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

#include "atproto/mst/cursor.h"
#include "atproto/mst/edit.h"
#include "atproto/mst/tree.h"
#include "atproto/repo/commit_event.h"

namespace {

using namespace roost;
using namespace roost::atproto;

constexpr int records = 1'000'000;

// As record keys are: a time in base 32, here with gaps to insert into.
std::string key_at(std::uint64_t number) {
    constexpr const char* letters = "234567abcdefghijklmnopqrstuvwxyz";
    std::string key = "app.bsky.feed.post/3k00000000000";
    for (std::size_t i = 1; i <= 11; ++i, number >>= 5)
        key[key.size() - i] = letters[number & 31];
    return key;
}

const std::vector<mst::KeyValue>& pairs() {
    static const std::vector<mst::KeyValue> all = [] {
        std::vector<mst::KeyValue> made;
        made.reserve(records);
        for (std::uint64_t i = 0; i < records; ++i)
            made.push_back({key_at(i * 1000), Cid::of(Codec::dag_cbor, as_bytes(key_at(i)))});
        return made;
    }();
    return all;
}

const mst::Tree& tree() {
    static const mst::Tree built = mst::build_tree(pairs(), 1).value();
    return built;
}

class Store : public mst::NodeSource {
  public:
    Store() {
        for (mst::NewNode& node : tree().new_nodes(std::nullopt))
            nodes_.emplace(node.place.cid, std::move(node.bytes));
    }
    Result<mst::StoredNode> load(const mst::NodePlace& place) override {
        return mst::StoredNode{nodes_.at(place.cid), 1};
    }

  private:
    std::unordered_map<Cid, Bytes> nodes_;
};

Store& store() {
    static Store made;
    return made;
}

enum class Where { anywhere, at_end };

std::string new_key(std::mt19937_64& random, Where where, std::uint64_t round) {
    if (where == Where::at_end) return key_at(1000ULL * records + round);
    return key_at(random() % (1000ULL * records) | 1);
}

void set_and_seal(benchmark::State& state, Where where) {
    std::mt19937_64 random(1);
    mst::NoSource none;
    mst::Tree head = tree();
    std::uint64_t stamp = 1;
    for (auto _ : state) {
        ++stamp;
        mst::Edit edit(head, stamp, mst::Moves::tracked);
        (void)edit.set(none, new_key(random, where, stamp), pairs()[0].value).value();
        head = edit.seal(none).value();
    }
}
void SetAnywhere(benchmark::State& state) {
    set_and_seal(state, Where::anywhere);
}
void SetAtTheEnd(benchmark::State& state) {
    set_and_seal(state, Where::at_end);
}

void EraseAndSeal(benchmark::State& state) {
    std::mt19937_64 random(2);
    mst::NoSource none;
    for (auto _ : state) {
        mst::Edit edit(tree(), 2, mst::Moves::tracked);
        (void)edit.erase(none, pairs()[random() % records].key).value();
        benchmark::DoNotOptimize(edit.seal(none).value());
    }
}

void Batch(benchmark::State& state) {
    std::mt19937_64 random(3);
    mst::NoSource none;
    for (auto _ : state) {
        mst::Edit edit(tree(), 2, mst::Moves::tracked);
        for (int i = 0; i < state.range(0); ++i)
            (void)edit.set(none, new_key(random, Where::anywhere, 0), pairs()[0].value).value();
        benchmark::DoNotOptimize(edit.seal(none).value());
    }
}

void EventBlocks(benchmark::State& state) {
    mst::NoSource none;
    mst::Edit edit(tree(), 2, mst::Moves::tracked);
    const std::string key = key_at(500'000'001);
    (void)edit.set(none, key, pairs()[0].value).value();
    const mst::Tree after = edit.seal(none).value();
    const std::vector<Operation> operations = {
        {Action::create, key, pairs()[0].value, std::nullopt}};
    const Bytes bytes(300, 1);
    const Block record{Cid::of(Codec::dag_cbor, bytes), bytes};
    for (auto _ : state)
        benchmark::DoNotOptimize(
            commit_event_blocks(record, after, 1, none, operations, {record}).value());
}

void NewNodes(benchmark::State& state) {
    mst::NoSource none;
    mst::Edit edit(tree(), 2, mst::Moves::tracked);
    (void)edit.set(none, key_at(500'000'001), pairs()[0].value).value();
    const mst::Tree after = edit.seal(none).value();
    for (auto _ : state)
        benchmark::DoNotOptimize(after.new_nodes(1));
}

void Find(benchmark::State& state) {
    std::mt19937_64 random(4);
    mst::NoSource none;
    for (auto _ : state)
        benchmark::DoNotOptimize(tree().find(none, pairs()[random() % records].key).value());
}

// The first change of a tree of which nothing is in memory.
void SetCold(benchmark::State& state) {
    std::mt19937_64 random(5);
    (void)store();
    for (auto _ : state) {
        mst::Edit edit(mst::Tree(tree().root(), tree().layer()), 2, mst::Moves::tracked);
        (void)edit.set(store(), new_key(random, Where::anywhere, 0), pairs()[0].value).value();
        benchmark::DoNotOptimize(edit.seal(store()).value());
    }
}

void Build(benchmark::State& state) {
    (void)pairs();
    for (auto _ : state)
        benchmark::DoNotOptimize(mst::build_tree(pairs(), 1).value().root());
}

void Walk(benchmark::State& state) {
    (void)store();
    for (auto _ : state) {
        const auto census = mst::validate(mst::Tree(tree().root()), store(), UINT64_MAX);
        if (census->records != records) state.SkipWithError("records are missing");
    }
    state.counters["bytes_of_tree"] = static_cast<double>(tree().loaded_bytes());
}

BENCHMARK(SetAnywhere);
BENCHMARK(SetAtTheEnd);
BENCHMARK(EraseAndSeal);
BENCHMARK(Batch)->Arg(10)->Arg(200);
BENCHMARK(EventBlocks);
BENCHMARK(NewNodes);
BENCHMARK(Find);
BENCHMARK(SetCold);
BENCHMARK(Build)->Unit(benchmark::kMillisecond);
BENCHMARK(Walk)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
