#include "pds/repos/repos.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "atproto/data/cbor.h"
#include "atproto/mst/cursor.h"
#include "atproto/repo/car.h"
#include "atproto/repo/commit_event.h"
#include "pds/limits.h"
#include "pds/repos/node_store.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_store.h"
#include "pds/sync/commit_message.h"
#include "pds/sync/event_log.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using atproto::Cid;
using atproto::Object;
using testing::must;
using testing::name_of;

// Two record types: one with rules, and one of those that point at a subject.
constexpr std::string_view note = R"({"lexicon": 1, "id": "test.roost.note", "defs": {"main": {
    "type": "record", "key": "any", "record": {"type": "object", "required": ["text"],
    "properties": {"text": {"type": "string", "maxLength": 20}}}}}})";
constexpr std::string_view like = R"({"lexicon": 1, "id": "app.bsky.feed.like", "defs": {"main": {
    "type": "record", "key": "tid", "record": {"type": "object", "required": ["subject"],
    "properties": {"subject": {"type": "unknown"}}}}}})";

class ReposTest : public ::testing::Test {
  protected:
    static Write write(WriteKind kind, std::string_view rkey, std::string_view text = "") {
        Write write{.kind = kind, .collection = must(atproto::Nsid::parse("test.roost.note"))};
        if (!rkey.empty()) write.rkey = must(atproto::RecordKey::parse(rkey));
        if (!text.empty()) write.record = Object{{"text", text}};
        return write;
    }
    Result<Written> run(std::vector<Write> writes, WriteRequest options = {}) {
        options.writes = std::move(writes);
        return bed_.loop.run(repos_.write(ann_, std::move(options)));
    }
    Result<Written> create(std::string_view rkey, std::string_view text = "a note") {
        return run({write(WriteKind::create, rkey, text)});
    }
    repo_store::StoredRepo stored() {
        return bed_.read([&](db::Transaction& t) { return *repo_store::find(t, ann_.id); });
    }
    std::optional<record_store::Record> record(std::string_view key) {
        return bed_.read([&](db::Transaction& t) {
            return record_store::find(t, repo_store::find(t, ann_.id)->id, key);
        });
    }

    // Every #commit of the log is signed, follows the one before, and can be undone; what they add
    // up to is what is stored as records, and the tree of the head.
    void expect_consistent() {
        std::map<std::string, Cid> records;
        std::optional<std::string> rev;
        std::optional<Cid> data;
        for (const testing::Event& event : bed_.events()) {
            if (event.kind != "commit" || event.did != ann_.did.text()) continue;
            const Bytes body = atproto::cbor::encode(event.body);
            const atproto::CommitEvent commit{
                .repo = ann_.did,
                .rev = must(atproto::Tid::parse(*event.body.find("rev")->as<std::string>())),
                .commit = *event.body.find("commit")->as<Cid>(),
                .prev_data = *event.body.find("prevData")->as<Cid>(),
                .operations = read_commit(body).operations,
                .blocks = *event.body.find("blocks")->as<Bytes>()};
            const auto verified = atproto::verify_commit_event(commit, &public_key_);
            ASSERT_TRUE(verified.has_value()) << verified.error().message;
            if (rev) {
                EXPECT_EQ(*event.body.find("since")->as<std::string>(), *rev);
                EXPECT_EQ(commit.prev_data, data);
                EXPECT_LT(*rev, commit.rev.text());
            }
            rev = commit.rev.text();
            data = verified->data;
            for (const atproto::Operation& operation : commit.operations) {
                const auto before = records.find(operation.path);
                EXPECT_EQ(before == records.end() ? std::nullopt : std::optional(before->second),
                          operation.prev);
                if (operation.cid)
                    records.insert_or_assign(operation.path, *operation.cid);
                else
                    records.erase(operation.path);
            }
        }
        const repo_store::StoredRepo repo = stored();
        EXPECT_EQ(repo.head.rev.text(), rev);
        EXPECT_EQ(repo.record_count, static_cast<std::int64_t>(records.size()));
        std::map<std::string, Cid> rows;
        for (const auto& [key, cid] :
             bed_.read([&](db::Transaction& t) { return record_store::keys(t, repo.id); }))
            rows.emplace(key, cid);
        EXPECT_EQ(rows, records);
    }

    static lexicon::Catalog catalog() {
        const std::string_view documents[] = {note, like};
        return must(lexicon::Catalog::of(documents));
    }

    testing::TestDatabase bed_;
    lexicon::Catalog catalog_ = catalog();
    Repos repos_{bed_.db(),
                 [this](db::Transaction& t, std::int64_t account_id) {
                     ++cold_starts_;
                     return key_store::find(t, account_id, bed_.vault);
                 },
                 catalog_, SignatureCheck::on};
    int cold_starts_ = 0;  // how often a repository was read from what is stored
    Account ann_ = bed_.add_account("ann.test");
    atproto::PublicKey public_key_ = bed_.read([&](db::Transaction& t) {
        return must(key_store::find(t, ann_.id, bed_.vault)).public_key();
    });
};

TEST_F(ReposTest, ARecordIsCreatedWithItsCommitAndItsEvent) {
    const Written done = must(create("one"));
    ASSERT_EQ(done.items.size(), 1U);
    EXPECT_EQ(done.items[0].key, "test.roost.note/one");
    EXPECT_EQ(done.items[0].status, ValidationStatus::valid);
    const auto row = record("test.roost.note/one");
    ASSERT_TRUE(row.has_value());
    EXPECT_EQ(row->cid, done.items[0].cid);
    EXPECT_EQ(Cid::of(atproto::Codec::dag_cbor, row->value), row->cid);
    EXPECT_EQ(row->rev, done.commit->rev.number());
    EXPECT_EQ(stored().head.commit_cid, done.commit->cid);
    expect_consistent();
}

TEST_F(ReposTest, AnUnnamedRecordGetsANewTid) {
    const std::string key = must(create("")).items[0].key;
    EXPECT_TRUE(atproto::Tid::parse(key.substr(key.find('/') + 1)).has_value()) << key;
}

TEST_F(ReposTest, WhatMustNotBeThereOrMustBe) {
    must(create("one"));
    EXPECT_EQ(create("one").error().message, "There is already a record at test.roost.note/one");
    EXPECT_EQ(name_of(run({write(WriteKind::update, "two", "x")})), "InvalidRequest");
    EXPECT_EQ(name_of(run({write(WriteKind::erase, "two")})), "InvalidRequest");
    const Written nothing = must(run({write(WriteKind::erase_if_present, "two")}));
    EXPECT_FALSE(nothing.commit.has_value());
    expect_consistent();
}

TEST_F(ReposTest, PuttingTheSameAgainMakesNoCommit) {
    const Written first = must(run({write(WriteKind::put, "self", "x")}));
    const Written again = must(run({write(WriteKind::put, "self", "x")}));
    EXPECT_TRUE(first.commit.has_value());
    EXPECT_FALSE(again.commit.has_value());
    EXPECT_EQ(again.items[0].cid, first.items[0].cid);
    EXPECT_TRUE(must(run({write(WriteKind::put, "self", "y")})).commit.has_value());
    EXPECT_EQ(stored().record_count, 1);
    expect_consistent();
}

TEST_F(ReposTest, ABatchIsOneCommitOrNone) {
    must(create("one"));
    const auto rev = stored().head.rev;
    EXPECT_EQ(
        name_of(run({write(WriteKind::create, "two", "x"), write(WriteKind::erase, "missing")})),
        "InvalidRequest");
    EXPECT_EQ(stored().head.rev, rev);
    EXPECT_FALSE(record("test.roost.note/two").has_value());
    must(run({write(WriteKind::create, "two", "x"), write(WriteKind::update, "one", "y"),
              write(WriteKind::create, "three", "z")}));
    must(run({write(WriteKind::erase, "two"), write(WriteKind::create, "four", "x")}));
    EXPECT_EQ(
        name_of(run({write(WriteKind::create, "five", "x"), write(WriteKind::erase, "five")})),
        "InvalidRequest");
    EXPECT_EQ(stored().record_count, 3);
    expect_consistent();
}

TEST_F(ReposTest, SwapsHoldOrNothingHappens) {
    const Written first = must(create("one"));
    const Cid other = Cid::of(atproto::Codec::dag_cbor, as_bytes("other"));
    EXPECT_EQ(name_of(run({write(WriteKind::create, "two", "x")}, {.swap_commit = other})),
              "InvalidSwap");
    must(run({write(WriteKind::create, "two", "x")}, {.swap_commit = first.commit->cid}));
    const auto swap = [&](WriteKind kind, std::string_view rkey, std::optional<Cid> expected) {
        Write swapped = write(kind, rkey, kind == WriteKind::put ? "changed" : "");
        swapped.swap_record = expected;
        return name_of(run({std::move(swapped)}));
    };
    EXPECT_EQ(swap(WriteKind::put, "one", other), "InvalidSwap");
    EXPECT_EQ(swap(WriteKind::put, "one", std::nullopt), "InvalidSwap");
    EXPECT_EQ(swap(WriteKind::put, "new", other), "InvalidSwap");
    EXPECT_EQ(swap(WriteKind::erase_if_present, "one", other), "InvalidSwap");
    EXPECT_EQ(swap(WriteKind::put, "one", first.items[0].cid), "");
    EXPECT_EQ(swap(WriteKind::put, "new", std::nullopt), "");
    EXPECT_EQ(swap(WriteKind::erase_if_present, "one", record("test.roost.note/one")->cid), "");
    expect_consistent();
}

TEST_F(ReposTest, LexiconsAreObeyedAsFarAsAsked) {
    const auto with = [&](Write write, Validation validation) {
        return run({std::move(write)}, {.validation = validation});
    };
    const std::string_view too_long = "a text of more than twenty characters";
    EXPECT_EQ(name_of(create("one", too_long)), "InvalidRequest");
    EXPECT_EQ(with(write(WriteKind::create, "one", too_long), Validation::off)->items[0].status,
              ValidationStatus::not_validated);
    Write unknown = write(WriteKind::create, "two", "x");
    unknown.collection = must(atproto::Nsid::parse("test.roost.unknown"));
    EXPECT_EQ(with(unknown, Validation::when_known)->items[0].status, ValidationStatus::unknown);
    EXPECT_EQ(with(unknown, Validation::required).error().message,
              "Unknown lexicon type: test.roost.unknown");
    Write mistyped = write(WriteKind::create, "three", "x");
    mistyped.record.set("$type", "test.roost.other");
    EXPECT_EQ(with(mistyped, Validation::when_known).error().message,
              "Invalid $type: expected test.roost.note, got test.roost.other");
}

TEST_F(ReposTest, ASecondLikeOfTheSameTakesThePlaceOfTheFirst) {
    const auto like_it = [&](std::string_view uri) {
        Write write{.kind = WriteKind::create,
                    .collection = must(atproto::Nsid::parse("app.bsky.feed.like"))};
        write.record = Object{{"subject", Object{{"uri", uri}}}};
        return must(run({std::move(write)}, {.same_subject = SameSubject::replaced}));
    };
    const std::string_view post = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/1";
    const std::string_view other = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/2";
    const std::string first = like_it(post).items[0].key;
    like_it(other);
    const std::string second = like_it(post).items[0].key;
    EXPECT_FALSE(record(first).has_value());
    EXPECT_TRUE(record(second).has_value());
    EXPECT_EQ(stored().record_count, 2);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM record_subject"), 2);
    expect_consistent();
}

// Random writes; the repository gets cold now and then, so that it is read back from nodes and
// replayed commits.
TEST_F(ReposTest, AColdRepositoryIsTheWarmOne) {
    std::mt19937 random(7);
    for (int i = 0; i < 400; ++i) {
        std::vector<Write> writes;
        std::set<std::string> keys;
        const std::size_t size = 1 + random() % 4;
        while (keys.size() < size)
            keys.insert("k" + std::to_string(random() % 300));
        for (const std::string& key : keys)
            writes.push_back(random() % 3 == 0
                                 ? write(WriteKind::erase_if_present, key)
                                 : write(WriteKind::put, key, std::to_string(random() % 50)));
        must(run(std::move(writes)));
        if (random() % 10 == 0) repos_.forget(ann_.id);
    }
    EXPECT_GT(bed_.count("SELECT count(*) FROM repo_node"), 50);
    expect_consistent();
}

TEST_F(ReposTest, StoredNodesAreExactlyTheTree) {
    std::mt19937 random(8);
    for (int i = 0; i < limits::commits_between_nodes * 5; ++i) {
        const std::string key = "k" + std::to_string(random() % 120);
        must(run({random() % 3 == 0 ? write(WriteKind::erase_if_present, key)
                                    : write(WriteKind::put, key, std::to_string(i))}));
    }
    const repo_store::StoredRepo repo = stored();
    ASSERT_TRUE(repo.nodes_root.has_value());
    std::size_t reached = 0;
    bed_.read([&](db::Transaction& t) {
        node_store::NodesInOrder nodes(t, repo.id);
        atproto::mst::PreorderWalk walk{atproto::mst::Tree(*repo.nodes_root)};
        while (const auto item = must(walk.next(nodes)))
            if (item->is_node()) ++reached;
    });
    EXPECT_EQ(bed_.count("SELECT count(*) FROM repo_node"), static_cast<std::int64_t>(reached));
}

// All in one batch of the database, each on top of the one before, which is not stored yet; the
// tree outgrows what is kept of it in memory meanwhile.
TEST_F(ReposTest, ManyWritersAtOnceNeverGetInEachOthersWay) {
    constexpr int writers = 20;
    constexpr int commits_each = 8;
    const auto keep_writing = [](auto& test, int writer, int& failed, int& running) -> Task<void> {
        for (int i = 0; i < commits_each; ++i) {
            WriteRequest request;
            for (int n = 0; n < 60; ++n)
                request.writes.push_back(write(
                    WriteKind::create, "k" + std::to_string(n * 1'000 + writer * 10 + i), "text"));
            const Result<Written> written =
                co_await test.repos_.write(test.ann_, std::move(request));
            if (!written.has_value()) ++failed;
        }
        --running;
    };
    int failed = 0;
    int running = writers;
    bed_.loop.run([](auto& test, auto work, int& failures, int& left) -> Task<void> {
        for (int writer = 0; writer < writers; ++writer)
            start_detached(work(test, writer, failures, left));
        while (left > 0)
            co_await sleep_ms(1);
    }(*this, keep_writing, failed, running));
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(cold_starts_, 1);
    EXPECT_EQ(stored().record_count, writers * commits_each * 60);
    expect_consistent();
}

// What the pruning had to leave for the replay goes as soon as the nodes are written.
TEST_F(ReposTest, EventsThatOnlyTheReplayNeededDoNotStay) {
    for (int i = 0; i < 10; ++i)
        must(create("early" + std::to_string(i)));
    const auto prune = [&] {
        bed_.write([](db::Transaction& t) { event_log::prune(t, now().plus_s(1), 1'000); });
    };
    prune();
    EXPECT_EQ(bed_.count("SELECT count(*) FROM event"), 10) << "they are still to be replayed";
    for (int i = 0; i < limits::commits_between_nodes - 10; ++i)
        must(create("late" + std::to_string(i)));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM event"), limits::commits_between_nodes - 9)
        << "all but the nine that were pruned";
    prune();
    EXPECT_EQ(bed_.count("SELECT count(*) FROM event"), 1) << "the newest one keeps the number";
    repos_.forget(ann_.id);
    must(create("after"));
    EXPECT_EQ(stored().record_count, limits::commits_between_nodes + 1);
}

TEST_F(ReposTest, AWrongSignatureIsNoticedBeforeTheCommitIsStored) {
    must(create("one"));
    const auto draft = bed_.read([&](db::Transaction& t) {
        TidClock clock;
        auto base = must(load_repo(t, ann_.id, ann_.did, [&](db::Transaction& u, std::int64_t id) {
            return key_store::find(u, id, bed_.vault);
        }));
        Batch batch{.writes = {must(prepare(write(WriteKind::create, "two", "a note"),
                                            Validation::when_known, catalog_, clock, now()))}};
        return must(draft_commit(t, ann_.id, ann_.did, std::move(base),
                                 std::make_shared<const Batch>(std::move(batch)), clock, now()));
    });
    must(verify_draft(*draft));
    CommitDraft flipped = *draft;
    Bytes& block = flipped.head.commit_block;
    const std::size_t signature = as_text(block).find("csig") + 6;  // after its length
    block[signature + 40] ^= 1;
    flipped.head.commit_cid = Cid::of(atproto::Codec::dag_cbor, block);
    EXPECT_EQ(verify_draft(flipped).error().fault, Fault::internal);
}

TEST_F(ReposTest, LostNodesAreMadeAnewFromTheRecords) {
    for (int i = 0; i < limits::commits_between_nodes + 10; ++i)
        must(create("k" + std::to_string(i)));
    bed_.execute("UPDATE repo_node SET node = x'00'");
    repos_.forget(ann_.id);
    must(create("after"));
    repos_.forget(ann_.id);
    must(create("again"));
    expect_consistent();
}

TEST_F(ReposTest, WhatTheLogKeepsForTheReplayGoesWithTheNodes) {
    for (int i = 0; i < 70; ++i)  // the nodes of the 64th are written
        must(create("a" + std::to_string(i)));
    bed_.write([](db::Transaction& t) { event_log::prune(t, now().plus_s(60), 1'000); });
    const std::int64_t nodes_seq = stored().nodes_seq;
    EXPECT_EQ(bed_.count("SELECT count(*) FROM event"), 6);
    EXPECT_GT(bed_.count("SELECT min(seq) FROM event"), nodes_seq);
    repos_.forget(ann_.id);
    must(create("after"));
    EXPECT_EQ(cold_starts_, 2);
    for (int i = 0; stored().nodes_seq == nodes_seq; ++i)
        must(create("b" + std::to_string(i)));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM event, event_horizon WHERE seq <= pruned_through"),
              0);
    repos_.forget(ann_.id);
    must(create("last"));
    EXPECT_EQ(cold_starts_, 3);
}

TEST_F(ReposTest, ARepositoryWithoutItsRecordsTakesNoWrites) {
    for (int i = 0; i < 5; ++i)
        must(create("k" + std::to_string(i)));
    bed_.execute("DELETE FROM record WHERE key LIKE '%k3'");
    bed_.execute("UPDATE repo SET nodes_seq = 9000000000000000");
    repos_.forget(ann_.id);
    EXPECT_EQ(name_of(create("after")), "InternalServerError");
}

// Many requests on their way at once: each builds on the one before, and all become durable.
TEST_F(ReposTest, WritesOfOneRepositoryOverlap) {
    constexpr int count = 100;
    int done = 0, failed = 0;
    for (int i = 0; i < count; ++i) {
        WriteRequest request;
        request.writes.push_back(write(WriteKind::create, "k" + std::to_string(i), "x"));
        start_detached([](Repos& repos, const Account& account, WriteRequest request, int& done,
                          int& failed) -> Task<void> {
            const auto result = co_await repos.write(account, std::move(request));
            ++(result.has_value() ? done : failed);
        }(repos_, ann_, std::move(request), done, failed));
    }
    must(create("last"));
    EXPECT_EQ(done, count);
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(cold_starts_, 1);
    EXPECT_EQ(stored().record_count, count + 1);
    expect_consistent();
}

// A commit that cannot be stored takes along those that were built on it, and nothing else.
TEST_F(ReposTest, AFailedCommitLeavesNoTrace) {
    must(create("one"));
    bed_.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON record WHEN NEW.key LIKE '%bad%' "
        "BEGIN SELECT raise(ABORT, 'refused'); END");
    EXPECT_THROW((void)create("bad"), std::exception);
    must(create("two"));
    EXPECT_EQ(stored().record_count, 2);
    expect_consistent();
}

// What an earlier request has not made durable yet is no reason for an answer: it may fail.
TEST_F(ReposTest, AnAnswerWithoutACommitWaitsForThoseOnTheirWay) {
    must(create("there"));
    Write dangling = write(WriteKind::create, "new");
    dangling.record =
        Object{{"file", Object{{"$type", "blob"},
                               {"ref", Cid::of(atproto::Codec::raw, as_bytes("elsewhere"))},
                               {"mimeType", "image/png"},
                               {"size", 9}}}};
    const auto start = [&](std::vector<Write> writes, std::string& outcome) {
        WriteRequest request{.writes = std::move(writes), .validation = Validation::off};
        start_detached([](Repos& repos, const Account& account, WriteRequest request,
                          std::string& outcome) -> Task<void> {
            const auto result = co_await repos.write(account, std::move(request));
            outcome = !result.has_value() ? result.error().name
                      : result->commit    ? "a commit"
                                          : "nothing to do";
        }(repos_, ann_, std::move(request), outcome));
    };
    std::string refused, erased, created;
    start({write(WriteKind::erase_if_present, "there"), dangling}, refused);
    start({write(WriteKind::erase_if_present, "there")}, erased);
    start({write(WriteKind::create, "new", "a note")}, created);
    for (int i = 0; i < 100 && (erased.empty() || created.empty()); ++i)
        must(create("another" + std::to_string(i)));
    EXPECT_EQ(refused, "BlobNotFound");
    EXPECT_EQ(erased, "a commit");
    EXPECT_EQ(created, "a commit");
    EXPECT_FALSE(record("test.roost.note/there").has_value());
    expect_consistent();
}

}  // namespace
}  // namespace roost::pds
