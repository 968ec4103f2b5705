#include "pds/repos/repo_imports.h"

#include <gtest/gtest.h>

#include "pds/limits.h"
#include "pds/repos/testing_imports.h"

namespace roost::pds {
namespace {

using atproto::Cid;

TEST_F(RepoImportsTest, ARepositoryTakesThePlaceOfTheOneThatWasThere) {
    for (int i = 0; i < 70; ++i)
        must(put("old" + std::to_string(i), "old"));
    const repo_store::StoredRepo before = stored();
    const std::size_t events = bed_.events().size();
    const testing::Records records = notes(3'000);
    must(import(repo_car(ann_.did, records)));
    expect_sound(records);
    EXPECT_NE(stored().id, before.id);
    EXPECT_LT(before.head.rev.text(), stored().head.rev.text());
    const auto told = bed_.events();
    ASSERT_EQ(told.size(), events + 1);
    EXPECT_EQ(told.back().kind, "sync");
    EXPECT_EQ(*told.back().body.find("rev"), atproto::Value(stored().head.rev.text()));
    expect_only_the_accounts_rows();

    // The next commit follows it, without reading the tree anew.
    const Cid data = head().data;
    must(put("new", "new"));
    const auto event = bed_.events().back();
    EXPECT_EQ(event.kind, "commit");
    EXPECT_EQ(*event.body.find("since"), *told.back().body.find("rev"));
    EXPECT_EQ(*event.body.find("prevData"), atproto::Value(data));
    repos_.forget(ann_.id);
    must(put("newer", "newer"));
    testing::Records more = records;
    more.emplace("test.roost.note/new", Object{{"$type", "test.roost.note"}, {"text", "new"}});
    more.emplace("test.roost.note/newer", Object{{"$type", "test.roost.note"}, {"text", "newer"}});
    EXPECT_EQ(head().data, testing::blocks_of(more).data);
}

TEST_F(RepoImportsTest, AnEmptyRepositoryIsOneToo) {
    must(put("a", "a"));
    must(import(repo_car(ann_.did, {})));
    expect_sound({});
    must(put("b", "b"));
    EXPECT_EQ(keys(), (std::vector<std::string>{"test.roost.note/b"}));
}

TEST_F(RepoImportsTest, WhatWeExportComesBackAsItWas) {
    for (int i = 0; i < 100; ++i)
        must(put("k" + std::to_string(i), std::to_string(i)));
    const Bytes car = exported();
    const Cid data = head().data;
    for (int i = 0; i < 50; ++i)
        must(put("k" + std::to_string(i), "changed"));
    must(import(car));
    EXPECT_EQ(head().data, data);
    EXPECT_EQ(stored().record_count, 100);
    must(import(exported()));
    EXPECT_EQ(head().data, data);
    expect_only_the_accounts_rows();
}

TEST_F(RepoImportsTest, NobodyIsToldOfADeactivatedAccount) {
    bed_.execute("UPDATE account SET deactivated_at = 1");
    must(import(repo_car(ann_.did, notes(3))));
    EXPECT_TRUE(bed_.events().empty());
    EXPECT_EQ(stored().record_count, 3);
}

TEST_F(RepoImportsTest, NothingIsSeenOfWhatFails) {
    must(put("a", "a"));
    const repo_store::StoredRepo before = stored();
    const std::size_t events = bed_.events().size();
    // The last record is missing: all others are stored by the time this is found out.
    const testing::Records records = notes(4'000);
    const testing::RepoBlocks made = testing::blocks_of(records);
    atproto::Blocks blocks = made.nodes;
    blocks.insert(blocks.end(), made.records.begin(), made.records.end() - 1);
    const auto failed =
        import(testing::car_with_root(ann_.did, made.data, blocks, testing::early_rev()));
    EXPECT_EQ(name_of(failed), "InvalidRequest");
    EXPECT_NE(failed.error().message.find(made.records.back().cid.text()), std::string::npos);
    EXPECT_EQ(ownerless(), 1);
    EXPECT_GT(bed_.count("SELECT count(*) FROM record"), 3'000);
    EXPECT_EQ(stored().id, before.id);
    EXPECT_EQ(keys(), (std::vector<std::string>{"test.roost.note/a"}));
    EXPECT_EQ(bed_.events().size(), events);
    EXPECT_TRUE(bed_.read([&](db::Transaction& t) {
                        return repo_store::list_by_collection(t, "test.roost.note", {0}, 10);
                    })
                    .size() == 1);
    expect_only_the_accounts_rows();

    // Before anything is stored.
    const auto bob = testing::did_of("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb");
    EXPECT_EQ(name_of(import(repo_car(bob, notes(3)))), "InvalidRequest");
    Bytes cut = repo_car(ann_.did, notes(3));
    cut.pop_back();
    EXPECT_EQ(name_of(import(cut)), "InvalidRequest");
    EXPECT_EQ(ownerless(), 0);
    EXPECT_TRUE(std::filesystem::is_empty(bed_.spool()));
    expect_only_the_accounts_rows();
}

TEST_F(RepoImportsTest, AWriteThatComesMeanwhileIsNotLost) {
    must(put("a", "a"));
    BusyBody body(repo_car(ann_.did, notes(10)), [this] { return write_meanwhile(); });
    EXPECT_EQ(name_of(bed_.loop.run(imports_.run(ann_, body))), "InvalidSwap");
    EXPECT_EQ(keys(), (std::vector<std::string>{"test.roost.note/a", "test.roost.note/meanwhile"}));
    expect_only_the_accounts_rows();
}

// At whatever moment a write comes: before the switch it is kept, behind it it is made again.
TEST_F(RepoImportsTest, WritesAndImportsAtTheSameTime) {
    int imported = 0, refused = 0, written = 0, open = 0;
    for (int round = 0; round < 40; ++round) {
        ++open;
        start_detached(
            [](Repos& repos, const Account& ann, int round, int& written, int& open) -> Task<void> {
                co_await sleep_ms(1 + round % 20 * 4);
                const auto done =
                    co_await repos.write(ann, put_request("w" + std::to_string(round), "x"));
                written += done.has_value() ? 1 : 0;
                --open;
            }(repos_, ann_, round, written, open));
        const auto done = import(repo_car(ann_.did, notes(round + 1)));
        ++(done.has_value() ? imported : refused);
        if (!done.has_value()) EXPECT_EQ(done.error().name, "InvalidSwap");
        int ends = 0;
        do {  // NOLINT(bugprone-infinite-loop): each is a commit, so that the task has its turn
            must(put("end", std::to_string(round) + "." + std::to_string(++ends)));
        } while (open > 0);
        const std::vector<std::string> all = keys();
        const std::string mine = "test.roost.note/w" + std::to_string(round);
        EXPECT_TRUE(std::ranges::find(all, mine) != all.end()) << round;
    }
    EXPECT_EQ(imported + refused, 40);
    EXPECT_EQ(written, 40);
    const Cid data = head().data;
    const repo_store::StoredRepo repo = stored();
    bed_.read([&](db::Transaction& t) {
        const LoadedTree loaded = must(load_tree(t, ann_.id, ann_.did));
        EXPECT_EQ(loaded.tree.root(), data);
        EXPECT_TRUE(loaded.nodes_stamp.has_value());
        EXPECT_EQ(std::ssize(record_store::keys(t, repo.id)), repo.record_count);
    });
    expect_only_the_accounts_rows();
}

TEST_F(RepoImportsTest, TakedownsStay) {
    must(put("good", "x"));
    must(put("bad", "x"));
    must(put("worse", "x"));
    bed_.execute("UPDATE record SET takedown_ref = 'case 7' WHERE key LIKE '%/bad'");
    bed_.execute("UPDATE record SET takedown_ref = 'case 8' WHERE key LIKE '%/worse'");
    const testing::Records records{{"test.roost.note/bad", {{"text", "again"}}},
                                   {"test.roost.note/good", {{"text", "x"}}}};
    must(import(repo_car(ann_.did, records)));
    const RepoId id = stored().id;
    const auto ref = [&](std::string_view key) {
        return bed_.read(
            [&](db::Transaction& t) { return record_store::find(t, id, key)->takedown_ref; });
    };
    EXPECT_EQ(ref("test.roost.note/bad"), "case 7");
    EXPECT_EQ(ref("test.roost.note/good"), std::nullopt);
}

TEST_F(RepoImportsTest, BlobsAreTemporaryUnlessARecordRefersToThem) {
    const auto kept = must(bed_.upload(ann_, "kept"));
    const auto left = must(bed_.upload(ann_, "left"));
    const auto waiting = must(bed_.upload(ann_, "waiting"));
    must(bed_.refer(ann_, "test.roost.note/1", {bed_.use_of(kept), bed_.use_of(left)}));
    const Cid absent = Cid::of(atproto::Codec::raw, as_bytes("absent"));
    const auto ref = [](const Cid& cid) {
        return Object{{"$type", "blob"}, {"ref", cid}, {"mimeType", "text/plain"}, {"size", 1}};
    };
    must(import(repo_car(
        ann_.did, {{"test.roost.note/2",
                    {{"all", atproto::Array{ref(kept.cid), ref(waiting.cid), ref(absent)}}}}})));
    const RepoId id = stored().id;
    bed_.read([&](db::Transaction& t) {
        EXPECT_FALSE(blob_store::find(t, ann_.id, kept.cid)->is_temporary);
        EXPECT_TRUE(blob_store::find(t, ann_.id, left.cid)->is_temporary);
        EXPECT_FALSE(blob_store::find(t, ann_.id, waiting.cid)->is_temporary);
        const auto missing = blob_store::list_missing(t, {id, ann_.id}, std::nullopt, 10);
        ASSERT_EQ(missing.size(), 1U);
        EXPECT_EQ(missing[0].cid, absent);
        EXPECT_EQ(missing[0].key, "test.roost.note/2");
    });
    expect_only_the_accounts_rows();
}

TEST_F(RepoImportsTest, TheRevisionIsGreaterThanAllThatWereSeen) {
    const auto soon = atproto::Tid::from(now().plus_s(60), 5);
    must(import(repo_car(ann_.did, notes(1), soon)));
    EXPECT_GT(stored().head.rev.number(), soon.number());
    // As high as a TID can be: nobody in the network has taken it.
    const auto never = must(atproto::Tid::parse("jzzzzzzzzzzzz"));
    must(import(repo_car(ann_.did, notes(2), never)));
    EXPECT_LT(stored().head.rev.number(), atproto::Tid::from(now().plus_s(120), 0).number());
    EXPECT_GT(stored().head.rev.number(), soon.number());
}

TEST_F(RepoImportsTest, IsBounded) {
    const Bytes car = repo_car(ann_.did, notes(100));
    ImportOptions small = options();
    small.bytes_max = std::ssize(car) - 1;
    RepoImports imports = imports_with(small);
    testing::FakeBody chunked{std::string(as_text(car))};
    EXPECT_EQ(bed_.loop.run(imports.run(ann_, chunked)).error().fault, Fault::payload_too_large);
    testing::FakeBody declared{std::string(as_text(car))};
    declared.declared = car.size();
    EXPECT_EQ(bed_.loop.run(imports.run(ann_, declared)).error().fault, Fault::payload_too_large);
    EXPECT_EQ(declared.bytes_read, 0U);

    ImportOptions full = options();
    full.free_bytes_min = std::numeric_limits<std::int64_t>::max() / 2;
    RepoImports without_room = imports_with(full);
    testing::FakeBody body{std::string(as_text(car))};
    EXPECT_EQ(bed_.loop.run(without_room.run(ann_, body)).error().fault,
              Fault::insufficient_storage);

    ImportOptions closed = options();
    closed.imports = Imports::refused;
    RepoImports none = imports_with(closed);
    testing::FakeBody unread{std::string(as_text(car))};
    EXPECT_EQ(bed_.loop.run(none.run(ann_, unread)).error().message,
              "Service is not accepting repo imports");
    EXPECT_EQ(stored().record_count, 0);
}

TEST_F(RepoImportsTest, OnlySoManyAtOnceAndOneForAnAccount) {
    const Account bob = bed_.add_account("bob.test");
    const Account eve = bed_.add_account("eve.test");
    BusyBody first(repo_car(ann_.did, notes(5)), [&] { return import_beside(bob, eve); });
    must(bed_.loop.run(imports_.run(ann_, first)));
    EXPECT_EQ(stored().record_count, 5);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM record"), 10);
    must(import(repo_car(ann_.did, notes(6))));
}

TEST_F(RepoImportsTest, AnAccountThatIsDeletedIsGoneAtOnceAndItsRowsLittleByLittle) {
    testing::Records records = notes(static_cast<int>(limits::removed_rows_max) * 2 + 10);
    for (int i = 0; i < 10; ++i)
        records.emplace(
            "app.bsky.graph.follow/" + std::to_string(i),
            Object{{"subject", "did:plc:aaaaaaaaaaaaaaaaaaaaaaa" + std::to_string(i % 6 + 2)}});
    must(import(repo_car(ann_.did, records)));
    must(bed_.loop.run(removal_.run()));
    const RepoId id = stored().id;
    const std::int64_t count = std::ssize(records);
    bed_.write([&](db::Transaction& t) { account_store::erase(t, ann_.id); });
    bed_.read([&](db::Transaction& t) {
        EXPECT_FALSE(repo_store::find(t, ann_.id).has_value());
        EXPECT_EQ(name_of(repo_store::of_account(t, ann_)), "RepoNotFound");
        EXPECT_TRUE(repo_store::list(t, 0, 10).empty());
        EXPECT_TRUE(repo_store::list_by_collection(t, "test.roost.note", {0}, 10).empty());
    });
    EXPECT_EQ(bed_.count("SELECT count(*) FROM record"), count) << "nothing is deleted yet";
    EXPECT_EQ(name_of(put("late", "x")), "RepoNotFound");
    EXPECT_EQ(name_of(import(repo_car(ann_.did, notes(1)))), "RepoNotFound");

    // A turn that is cut off, as by the end of the process, and another one.
    bed_.write([&](db::Transaction& t) { EXPECT_TRUE(record_store::erase_some(t, id)); });
    EXPECT_EQ(bed_.count("SELECT count(*) FROM record"), count - limits::removed_rows_max);
    RepoRemoval stopped(bed_.db());
    stopped.stop();
    must(bed_.loop.run(stopped.run()));
    EXPECT_EQ(ownerless(), 1);
    RepoRemoval next(bed_.db());
    must(bed_.loop.run(next.run()));
    for (const db::Sql& sql :
         {db::Sql("SELECT count(*) FROM repo"), db::Sql("SELECT count(*) FROM record"),
          db::Sql("SELECT count(*) FROM repo_node"), db::Sql("SELECT count(*) FROM record_subject"),
          db::Sql("SELECT count(*) FROM record_blob"),
          db::Sql("SELECT count(*) FROM repo_collection")})
        EXPECT_EQ(bed_.count(sql), 0);

    // The identity comes back: neither the id nor what the log still holds is taken up again.
    const Account again = bed_.add_account("ann.test", ann_.did.text());
    bed_.read([&](db::Transaction& t) {
        const LoadedTree loaded = must(load_tree(t, again.id, again.did));
        EXPECT_TRUE(loaded.nodes_stamp.has_value());
        EXPECT_GT(loaded.stored.id.value, id.value);
    });
}

// One transaction removes so many bytes, and not more.
TEST_F(RepoImportsTest, LargeRecordsAreRemovedInSmallerPortions) {
    testing::Records records;
    for (int i = 0; i < 20; ++i)
        records.emplace("test.roost.note/" + std::to_string(10 + i),
                        Object{{"text", std::string(900'000, static_cast<char>('a' + i))}});
    must(import(repo_car(ann_.did, records)));
    const RepoId id = stored().id;
    bed_.write([&](db::Transaction& t) { account_store::erase(t, ann_.id); });
    bed_.write([&](db::Transaction& t) { EXPECT_TRUE(record_store::erase_some(t, id)); });
    EXPECT_EQ(bed_.count("SELECT count(*) FROM record"), 15);
}

TEST_F(RepoImportsTest, WhatIsGuardedIsNotRemoved) {
    const repo_store::Head any = stored().head;
    const auto begin = [&] {
        return bed_.write([&](db::Transaction& t) { return repo_store::begin_import(t, any); });
    };
    std::optional<RepoRemoval::Guard> guard(removal_);
    const RepoId kept = begin();
    const RepoId other = begin();
    must(bed_.loop.run(removal_.run()));
    EXPECT_EQ(ownerless(), 2) << "it is not known yet which one is to be kept";
    guard->keep(other);
    must(bed_.loop.run(removal_.run()));
    EXPECT_EQ(ownerless(), 1);
    EXPECT_NE(kept, other);
    guard.reset();
    must(bed_.loop.run(removal_.run()));
    EXPECT_EQ(ownerless(), 0);
}

}  // namespace
}  // namespace roost::pds
