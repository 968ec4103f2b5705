#include "pds/sync/firehose.h"

#include <gtest/gtest.h>

#include <random>

#include "pds/sync/event_log.h"
#include "pds/sync/frames.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using atproto::Object;

// A frame taken apart again.
struct Message {
    Object header;
    Object body;
};
Message message_of(const Bytes& frame) {
    const std::size_t head = frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10;
    const ByteView payload = ByteView(frame).subspan(head);
    const auto header = testing::must(atproto::cbor::decode_prefix(payload));
    const auto body = testing::must(atproto::cbor::decode(payload.subspan(header.size)));
    return {*header.value.as<Object>(), *body.as<Object>()};
}
std::int64_t seq_of(const net::SharedFrame& frame) {
    const Message message = message_of(*frame);
    const atproto::Value* seq = message.body.find("seq");
    return seq != nullptr ? *seq->as<std::int64_t>() : 0;
}

// A socket that takes what the test lets it take.
class FakeSocket final : public net::WebSocket {
  public:
    explicit FakeSocket(std::shared_ptr<net::WebSocketFeed> of) : feed(std::move(of)) {
        feed->open(*this);
    }
    ~FakeSocket() { end(); }
    void end() {
        if (feed) feed->ended();
        feed.reset();
    }

    void wake() override { is_woken = true; }
    void close(net::CloseCode, std::string_view reason, net::SharedFrame last) override {
        if (is_closed) return;
        is_closed = true;
        close_reason = reason;
        if (last) closing = message_of(*last);
    }
    std::int64_t stalled_since_us() const override { return stalled_since; }

    // Asks once. Frames that come with a goodbye are dropped, as a connection does it.
    Task<void> pull(std::size_t bytes_max) {
        is_woken = false;
        std::vector<net::SharedFrame> got;
        co_await feed->next(got, bytes_max);
        if (!is_closed) frames.insert(frames.end(), got.begin(), got.end());
    }
    std::vector<std::int64_t> numbers() const {
        std::vector<std::int64_t> all;
        for (const auto& frame : frames)
            all.push_back(seq_of(frame));
        return all;
    }

    std::shared_ptr<net::WebSocketFeed> feed;
    std::vector<net::SharedFrame> frames;
    bool is_woken = true;
    bool is_closed = false;
    std::string close_reason;
    Message closing;
    std::int64_t stalled_since = 0;
};

Task<void> turn() {
    co_await sleep_ms(1);
}

class FirehoseTest : public ::testing::Test {
  protected:
    std::int64_t append(Timestamp at, std::size_t size = 0) {
        return bed_.write([&](db::Transaction& t) {
            event_log::append_sync(t, ann_, rev_, cid_, Bytes(size, 1), at);
            return event_log::newest(t);
        });
    }
    std::int64_t append(std::size_t size = 0) { return append(now(), size); }
    std::unique_ptr<FakeSocket> subscribe(Firehose& firehose,
                                          std::optional<std::int64_t> cursor = {}) {
        return std::make_unique<FakeSocket>(testing::must(firehose.subscribe(cursor)));
    }
    // Until it has nothing more to give.
    void pull_all(FakeSocket& socket) {
        std::size_t before = 0;
        do {
            before = socket.frames.size();
            bed_.loop.run(socket.pull(1'000'000));
        } while (socket.frames.size() > before && !socket.is_closed);
    }
    void serve() { bed_.loop.run(turn()); }

    testing::TestDatabase bed_;
    atproto::Did ann_ = testing::did_of("did:web:ann.test");
    atproto::Tid rev_ = atproto::Tid::from({7}, 1);
    atproto::Cid cid_ = atproto::Cid::of(atproto::Codec::dag_cbor, as_bytes("x"));
};

TEST_F(FirehoseTest, WithoutACursorOnlyWhatIsYetToComeComes) {
    Firehose firehose(bed_.db(), {});
    append();
    auto socket = subscribe(firehose);
    pull_all(*socket);
    EXPECT_TRUE(socket->frames.empty());
    const std::int64_t first = append();
    const std::int64_t second = append();
    firehose.wake();
    serve();
    EXPECT_TRUE(socket->is_woken);
    pull_all(*socket);
    EXPECT_EQ(socket->numbers(), (std::vector{first, second}));
    EXPECT_EQ(firehose.stats().events_total, 2);
    EXPECT_EQ(firehose.stats().frames_total, 2);
    EXPECT_EQ(firehose.stats().subscribers, 1);
    EXPECT_EQ(*message_of(*socket->frames[0]).header.find("t"), atproto::Value("#sync"));
}

TEST_F(FirehoseTest, ACursorIsTheLastEventThatIsKnown) {
    Firehose firehose(bed_.db(), {});
    std::vector<std::int64_t> numbers;
    for (int i = 0; i < 5; ++i)
        numbers.push_back(append());
    auto from_start = subscribe(firehose, 0);
    auto from_third = subscribe(firehose, numbers[2]);
    auto from_between = subscribe(firehose, numbers[2] - 1);
    auto from_last = subscribe(firehose, numbers[4]);
    for (FakeSocket* socket : {from_start.get(), from_third.get(), from_between.get()})
        pull_all(*socket);
    pull_all(*from_last);
    EXPECT_EQ(from_start->numbers(), numbers);
    EXPECT_EQ(from_third->numbers(), (std::vector{numbers[3], numbers[4]}));
    EXPECT_EQ(from_between->numbers(), (std::vector{numbers[2], numbers[3], numbers[4]}));
    EXPECT_TRUE(from_last->frames.empty());
    EXPECT_FALSE(from_last->is_closed);
}

TEST_F(FirehoseTest, RefusesTheFuture) {
    Firehose firehose(bed_.db(), {});
    auto nothing_yet = subscribe(firehose, 1);
    pull_all(*nothing_yet);
    EXPECT_EQ(nothing_yet->close_reason, "FutureCursor");
    auto zero = subscribe(firehose, 0);
    pull_all(*zero);
    EXPECT_FALSE(zero->is_closed);
    const std::int64_t last = append();
    auto future = subscribe(firehose, last + 1);
    pull_all(*future);
    EXPECT_TRUE(future->is_closed);
    EXPECT_EQ(future->closing.header, (Object{{"op", -1}}));
    EXPECT_EQ(future->closing.body,
              (Object{{"error", "FutureCursor"}, {"message", "Cursor in the future."}}));
    EXPECT_TRUE(future->frames.empty());
}

TEST_F(FirehoseTest, SaysWhenEventsMayBeMissing) {
    constexpr std::int64_t hour_us = 3'600'000'000;
    Firehose firehose(bed_.db(), {.backfill_ms = 2 * 3'600'000});
    const Timestamp time = now();
    append(Timestamp{time.us - 5 * hour_us});
    const std::int64_t old = append(Timestamp{time.us - 4 * hour_us});
    const std::int64_t third = append(Timestamp{time.us - hour_us});
    const std::int64_t fourth = append(Timestamp{time.us - hour_us / 2});
    auto outdated = subscribe(firehose, 0);
    pull_all(*outdated);
    ASSERT_EQ(outdated->numbers(), (std::vector<std::int64_t>{0, third, fourth}));
    const Message info = message_of(*outdated->frames[0]);
    EXPECT_EQ(info.header, (Object{{"op", 1}, {"t", "#info"}}));
    EXPECT_EQ(*info.body.find("name"), atproto::Value("OutdatedCursor"));
    auto again = subscribe(firehose, 0);
    pull_all(*again);
    EXPECT_EQ(again->numbers(), outdated->numbers());
    auto just_right = subscribe(firehose, old);
    pull_all(*just_right);
    EXPECT_EQ(just_right->numbers(), (std::vector{third, fourth})) << "nothing is missing";
    // What is deleted is missing, whatever the time of what is left.
    testing::must(bed_.loop.run(firehose.prune(time)));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM event"), 2);
    auto after_pruning = subscribe(firehose, old - 1);
    pull_all(*after_pruning);
    EXPECT_EQ(after_pruning->numbers(), outdated->numbers());
    auto still_right = subscribe(firehose, old);
    pull_all(*still_right);
    EXPECT_EQ(still_right->numbers(), (std::vector{third, fourth}));
}

TEST_F(FirehoseTest, PrunesByTimeAndKeepsTheNewest) {
    Firehose firehose(bed_.db(), {.backfill_ms = 1'000});
    const Timestamp time = now();
    bed_.write([&](db::Transaction& t) {
        for (int i = 1'200; i > 0; --i)
            event_log::append_account(t, ann_, AccountStatus::active, {time.us - 10'000'000 - i});
    });
    const std::int64_t newest = append(Timestamp{time.us - 5'000'000});
    testing::must(bed_.loop.run(firehose.prune(time)));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM event"), 1);
    EXPECT_EQ(bed_.count("SELECT max(seq) FROM event"), newest);
    EXPECT_LT(bed_.count("SELECT pruned_through FROM event_horizon"), newest);
    EXPECT_EQ(append(Timestamp{1}), newest + 1) << "numbers rise, also when the clock goes back";
}

TEST_F(FirehoseTest, PruningKeepsWhatARepositoryHasToReplay) {
    Firehose firehose(bed_.db(), {.backfill_ms = 1'000});
    const Account account = bed_.add_account("bea.test");
    const auto commit = [&](std::int64_t seq) {
        bed_.write([&](db::Transaction& t) {
            event_log::append_commit(t, seq, 0, account.did, atproto::cbor::encode(Object{}),
                                     {100});
        });
        return seq;
    };
    const std::int64_t first = commit(100);
    const std::int64_t second = commit(200);
    append();
    bed_.write([&](db::Transaction& t) { t.execute("UPDATE repo SET nodes_seq = $1", first); });
    testing::must(bed_.loop.run(firehose.prune(now())));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM event WHERE kind = 'commit'"), 1);
    EXPECT_EQ(bed_.count("SELECT min(seq) FROM event"), second);
    auto socket = subscribe(firehose, 0);
    pull_all(*socket);
    ASSERT_EQ(socket->frames.size(), 2U) << "the info, and the event that is young enough";
    EXPECT_GT(socket->numbers()[1], second);
}

TEST_F(FirehoseTest, CutsOffWhoStallsAndGoesOnWithTheOthers) {
    Firehose firehose(bed_.db(), {.lag_bytes_max = 5'000});
    auto good = subscribe(firehose);
    auto slow = subscribe(firehose);
    pull_all(*good);
    pull_all(*slow);
    slow->stalled_since = monotonic_us();
    for (int i = 0; i < 10 && !slow->is_closed; ++i) {
        append(1'000);
        firehose.wake();
        serve();
        pull_all(*good);
        EXPECT_EQ(slow->is_closed, i >= 4) << i;
    }
    EXPECT_EQ(slow->close_reason, "ConsumerTooSlow");
    EXPECT_EQ(slow->closing.header, (Object{{"op", -1}}));
    EXPECT_EQ(*slow->closing.body.find("error"), atproto::Value("ConsumerTooSlow"));
    EXPECT_EQ(good->frames.size(), 5U);
    EXPECT_FALSE(good->is_closed);
    EXPECT_EQ(firehose.stats().too_slow_total, 1);
    EXPECT_EQ(firehose.stats().lag_events, 5);
}

TEST_F(FirehoseTest, CountsEventsAgainstWhoIsStuck) {
    Firehose firehose(bed_.db(), {.lag_events_max = 3, .lag_grace_ms = 60'000});
    auto hesitant = subscribe(firehose);
    auto stuck = subscribe(firehose);
    auto catching_up = subscribe(firehose, 0);
    pull_all(*hesitant);
    pull_all(*stuck);
    hesitant->stalled_since = monotonic_us();
    stuck->stalled_since = monotonic_us() - 61'000'000;
    catching_up->stalled_since = stuck->stalled_since;
    for (int i = 0; i < 4; ++i)
        append();
    firehose.wake();
    serve();
    EXPECT_FALSE(hesitant->is_closed);
    EXPECT_TRUE(stuck->is_closed);
    EXPECT_FALSE(catching_up->is_closed) << "who reads from disk holds nobody's memory";
}

TEST_F(FirehoseTest, ManyWhoCatchUpShareWhatIsRead) {
    Firehose firehose(bed_.db(), {.page = {.events_max = 10}});
    for (int i = 0; i < 95; ++i)
        append();
    auto first = subscribe(firehose, 0);
    auto second = subscribe(firehose, 0);
    pull_all(*first);
    pull_all(*second);
    ASSERT_EQ(first->frames.size(), 95U);
    EXPECT_EQ(first->frames, second->frames) << "the same frames, not equal ones";
}

TEST_F(FirehoseTest, BoundsTheSubscribers) {
    Firehose firehose(bed_.db(), {.subscribers_max = 2});
    auto one = subscribe(firehose);
    auto two = subscribe(firehose);
    const auto third = firehose.subscribe({});
    ASSERT_FALSE(third.has_value());
    EXPECT_EQ(third.error().fault, Fault::unavailable);
    two.reset();
    EXPECT_EQ(firehose.stats().subscribers, 1);
    EXPECT_TRUE(firehose.subscribe({}).has_value());
}

TEST_F(FirehoseTest, FallsBackToTheDiskWhereTheWindowEnds) {
    // A window that holds hardly anything: most is read from disk.
    Firehose firehose(bed_.db(), {.window_bytes_max = 1, .page = {.events_max = 3}});
    auto socket = subscribe(firehose);
    pull_all(*socket);
    std::vector<std::int64_t> numbers;
    for (int i = 0; i < 20; ++i) {
        numbers.push_back(append());
        firehose.wake();
        serve();
    }
    pull_all(*socket);
    EXPECT_EQ(socket->numbers(), numbers);
}

// Commits, subscriptions, deliveries and farewells in any order: each subscriber gets exactly what
// was committed after its beginning, in order.
TEST_F(FirehoseTest, NothingIsLostAndNothingComesTwice) {
    for (unsigned seed = 1; seed <= 6; ++seed) {
        std::mt19937 random(seed);  // NOLINT(cert-msc51-cpp): the same each time
        const auto one_in = [&](unsigned n) { return random() % n == 0; };
        Firehose firehose(bed_.db(), {.window_bytes_max = 500 + random() % 5'000,
                                      .page = {.events_max = 1 + random() % 8},
                                      .cached_pages_max = random() % 4});
        struct Watched {
            std::unique_ptr<FakeSocket> socket;
            std::size_t begins_at;  // index in `committed`
            bool has_pulled = false;
        };
        std::vector<std::int64_t> committed;
        std::vector<Watched> watched;
        const std::int64_t before =
            bed_.read([](db::Transaction& t) { return event_log::newest(t); });
        const auto verify = [&](const Watched& w, std::size_t end) {
            const std::vector<std::int64_t> numbers = w.socket->numbers();
            const auto begin = committed.begin() + static_cast<std::ptrdiff_t>(w.begins_at);
            ASSERT_LE(numbers.size(), committed.size() - w.begins_at) << "seed " << seed;
            ASSERT_TRUE(std::equal(numbers.begin(), numbers.end(), begin)) << "seed " << seed;
            if (end != 0) ASSERT_EQ(numbers.size(), end - w.begins_at) << "seed " << seed;
        };
        for (int step = 0; step < 300; ++step) {
            if (one_in(2)) committed.push_back(append(random() % 300));
            if (one_in(3)) firehose.wake();
            if (one_in(4)) serve();
            if (one_in(15)) {
                const std::size_t at = random() % (committed.size() + 1);
                if (one_in(3)) {
                    watched.push_back({subscribe(firehose), committed.size()});
                    bed_.loop.run(watched.back().socket->pull(1));  // begins here
                } else {
                    const std::int64_t cursor = at == 0 ? before : committed[at - 1];
                    watched.push_back({subscribe(firehose, cursor), at});
                }
            }
            if (!watched.empty()) {
                Watched& w = watched[random() % watched.size()];
                bed_.loop.run(w.socket->pull(1 + random() % 1'000));
                if (one_in(20)) {
                    verify(w, 0);
                    std::swap(w, watched.back());
                    watched.pop_back();
                }
            }
        }
        firehose.wake();
        for (int i = 0; i < 100; ++i)
            serve();
        for (Watched& w : watched) {
            pull_all(*w.socket);
            verify(w, committed.size());
        }
    }
}

}  // namespace
}  // namespace roost::pds
