#include "pds/repos/restore_watch.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "atproto/lexicon/catalog.h"
#include "pds/limits.h"
#include "pds/repos/repo_store.h"
#include "pds/sync/event_log.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using testing::must;

class RestoreWatchTest : public ::testing::Test {
  protected:
    RestoreWatchTest() { std::filesystem::remove(file_); }
    ~RestoreWatchTest() override { std::filesystem::remove(file_); }

    void begin() { must(bed_.loop.run(watch_.begin())); }
    void tell_all() {
        for (int i = 0; i < 20; ++i)
            bed_.loop.run(watch_.tell_some());
    }
    void write_file(const std::string& text) { std::ofstream(file_) << text; }
    std::int64_t noted() {
        std::ifstream in(file_);
        std::int64_t number = -1;
        in >> number;
        return number;
    }
    atproto::Tid rev(const Account& account) {
        return bed_.read(
            [&](db::Transaction& t) { return repo_store::find_head(t, account.id)->rev; });
    }
    std::int64_t newest() {
        return bed_.read([](db::Transaction& t) { return event_log::newest(t); });
    }
    void deactivate(const Account& account) {
        bed_.write([&](db::Transaction& t) {
            t.execute("UPDATE account SET deactivated_at = 1 WHERE id = $1", account.id);
        });
    }

    testing::TestDatabase bed_;
    lexicon::Catalog catalog_ = must(lexicon::Catalog::of({}));
    Repos repos_{
        bed_.db(),
        [this](db::Transaction& t, std::int64_t account_id) -> Result<atproto::PrivateKey> {
            if (account_id == ailing_) return Error{fault_, "Ailing", "it does not work"};
            return key_store::find(t, account_id, bed_.vault);
        },
        catalog_, SignatureCheck::on};
    std::int64_t ailing_ = 0;  // the account whose key cannot be had
    Fault fault_ = Fault::internal;
    const std::filesystem::path file_ =
        std::filesystem::path(::testing::TempDir()) /
        ("newest-event-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
         ::testing::UnitTest::GetInstance()->current_test_info()->name());
    RestoreWatch watch_{bed_.db(), repos_, file_};
};

TEST_F(RestoreWatchTest, ANewDatabaseIsNoRestore) {
    bed_.add_account("ann.test");
    begin();
    tell_all();
    EXPECT_EQ(newest(), 0);
    EXPECT_EQ(noted(), 0);
}

TEST_F(RestoreWatchTest, TheSameDatabaseIsNoRestore) {
    const Account ann = bed_.add_account("ann.test");
    begin();
    must(bed_.loop.run(repos_.renew(ann.id, ann.did)));
    bed_.loop.run(watch_.note_newest());
    EXPECT_EQ(noted(), newest());
    const atproto::Tid before = rev(ann);
    begin();
    tell_all();
    EXPECT_EQ(rev(ann), before);
}

TEST_F(RestoreWatchTest, NotesInPlace) {
    const Account ann = bed_.add_account("ann.test");
    write_file("0\n");
    begin();
    const std::filesystem::path other_name = file_.string() + ".other-name";
    std::filesystem::create_hard_link(file_, other_name);
    const auto size = std::filesystem::file_size(file_);
    must(bed_.loop.run(repos_.renew(ann.id, ann.did)));
    bed_.loop.run(watch_.note_newest());
    EXPECT_GT(noted(), 0);
    EXPECT_EQ(std::filesystem::file_size(file_), size);
    EXPECT_EQ(std::filesystem::hard_link_count(file_), 2);
    std::filesystem::remove(other_name);
}

TEST_F(RestoreWatchTest, AnOlderDatabaseTellsOfEveryOpenRepository) {
    const Account ann = bed_.add_account("ann.test");
    const Account asleep = bed_.add_account("asleep.test");
    const Account bob = bed_.add_account("bob.test");
    deactivate(asleep);
    must(bed_.loop.run(repos_.renew(ann.id, ann.did)));
    const std::size_t events = bed_.events().size();
    const atproto::Tid ann_before = rev(ann);
    const atproto::Tid asleep_before = rev(asleep);
    write_file(std::to_string(newest() + 1) + "\n");
    begin();
    tell_all();
    const auto all = bed_.events();
    ASSERT_EQ(all.size(), events + 2);
    for (std::size_t i = 0; i < 2; ++i) {
        const testing::Event& event = all[events + i];
        const Account& account = i == 0 ? ann : bob;
        EXPECT_EQ(event.kind, "sync");
        EXPECT_EQ(event.did, account.did.text());
        EXPECT_EQ(*event.body.find("rev")->as<std::string>(), rev(account).text());
    }
    EXPECT_LT(ann_before, rev(ann));
    EXPECT_EQ(asleep_before, rev(asleep));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM resync"), 0);
}

TEST_F(RestoreWatchTest, ADatabaseThatComesAloneCountsAsRestored) {
    const Account ann = bed_.add_account("ann.test");
    must(bed_.loop.run(repos_.renew(ann.id, ann.did)));
    for (const std::string text : {"", "12", "twelve\n"}) {
        const atproto::Tid before = rev(ann);
        write_file(text);
        begin();
        tell_all();
        EXPECT_LT(before, rev(ann)) << text;
    }
}

TEST_F(RestoreWatchTest, ARepositoryThatCannotBeSignedHoldsUpNoOther) {
    const Account ann = bed_.add_account("ann.test");
    const Account bob = bed_.add_account("bob.test");
    must(bed_.loop.run(repos_.renew(bob.id, bob.did)));
    const atproto::Tid before = rev(bob);
    begin();
    ailing_ = ann.id;
    tell_all();
    EXPECT_LT(before, rev(bob));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM resync"), 0);
}

TEST_F(RestoreWatchTest, AFullDiskSkipsNobody) {
    const Account ann = bed_.add_account("ann.test");
    must(bed_.loop.run(repos_.renew(ann.id, ann.did)));
    const atproto::Tid before = rev(ann);
    begin();
    ailing_ = ann.id;
    fault_ = Fault::insufficient_storage;
    tell_all();
    EXPECT_EQ(bed_.count("SELECT count(*) FROM resync"), 1);
    ailing_ = 0;
    tell_all();
    EXPECT_LT(before, rev(ann));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM resync"), 0);
}

TEST_F(RestoreWatchTest, GoesOnAfterARestart) {
    std::vector<Account> accounts;
    for (std::int64_t i = 0; i < limits::repos_told_at_once + 10; ++i)
        accounts.push_back(bed_.add_account("a" + std::to_string(i) + ".test"));
    must(bed_.loop.run(repos_.renew(accounts[0].id, accounts[0].did)));
    begin();
    bed_.loop.run(watch_.tell_some());
    const atproto::Tid first = rev(accounts.front());
    const atproto::Tid last = rev(accounts.back());
    RestoreWatch after_restart(bed_.db(), repos_, file_);
    must(bed_.loop.run(after_restart.begin()));
    for (int i = 0; i < 3; ++i)
        bed_.loop.run(after_restart.tell_some());
    EXPECT_EQ(rev(accounts.front()), first) << "it had been told already";
    EXPECT_LT(last, rev(accounts.back()));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM resync"), 0);
}

}  // namespace
}  // namespace roost::pds
