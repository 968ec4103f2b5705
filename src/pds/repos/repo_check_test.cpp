#include "pds/repos/repo_check.h"

#include <gtest/gtest.h>

#include "pds/repos/record_store.h"
#include "pds/repos/repos.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using atproto::Object;
using testing::must;
using testing::name_of;

class RepoCheckTest : public ::testing::Test {
  protected:
    RepoCheckTest() {
        for (int i = 0; i < 70; ++i)  // more than are written before the nodes are
            write_note("r" + std::to_string(i));
    }
    void write_note(const std::string& rkey) {
        Write write{.kind = WriteKind::create,
                    .collection = must(atproto::Nsid::parse("test.roost.note")),
                    .rkey = must(atproto::RecordKey::parse(rkey)),
                    .record = Object{{"text", rkey}}};
        must(bed_.loop.run(repos_.write(ann_, {.writes = {std::move(write)}})));
    }
    RepoReport check_now() {
        return bed_.read([&](db::Transaction& t) { return must(check_repo(t, ann_, find_key_)); });
    }
    std::string rebuild() {
        return name_of(bed_.loop.run(
            bed_.db().write([&](db::Transaction& t) { return rebuild_nodes(t, ann_); })));
    }
    std::string sign() {
        return name_of(bed_.loop.run(bed_.db().write(
            [&](db::Transaction& t) { return sign_records(t, ann_, find_key_, now()); })));
    }

    testing::TestDatabase bed_;
    lexicon::Catalog catalog_ = must(lexicon::Catalog::of({}));
    FindSigningKey find_key_ = [this](db::Transaction& t, std::int64_t id) {
        return key_store::find(t, id, bed_.vault);
    };
    Repos repos_{bed_.db(), find_key_, catalog_, SignatureCheck::off};
    Account ann_ = bed_.add_account("ann.test");
};

TEST_F(RepoCheckTest, ASoundOneIsCounted) {
    const RepoReport report = check_now();
    EXPECT_TRUE(report.is_sound()) << ::testing::PrintToString(report.problems);
    EXPECT_EQ(report.records, 70);
    EXPECT_GT(report.bytes, 70 * 20);
    EXPECT_EQ(rebuild(), "");
    EXPECT_TRUE(check_now().is_sound());
    repos_.forget(ann_.id);
    write_note("after");
    EXPECT_EQ(check_now().records, 71);
}

TEST_F(RepoCheckTest, AChangedRecordIsFound) {
    bed_.execute("UPDATE record SET value = x'a0' WHERE key = 'test.roost.note/r7'");
    const RepoReport report = check_now();
    ASSERT_EQ(report.problems.size(), 1u);
    EXPECT_NE(report.problems[0].find("test.roost.note/r7"), std::string::npos);
    EXPECT_TRUE(report.node_problems.empty());
}

TEST_F(RepoCheckTest, AMissingRecordIsFoundAndNotRebuiltWithoutBeingAsked) {
    bed_.execute("DELETE FROM record WHERE key = 'test.roost.note/r7'");
    EXPECT_EQ(check_now().problems.size(), 2u) << "the count, and the tree";
    EXPECT_EQ(rebuild(), "OtherTree");
    bed_.execute("DELETE FROM event");
    EXPECT_EQ(sign(), "");
    const RepoReport report = check_now();
    EXPECT_TRUE(report.is_sound()) << ::testing::PrintToString(report.problems);
    EXPECT_EQ(report.records, 69);
    const auto events = bed_.events();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, "sync");
}

TEST_F(RepoCheckTest, DamagedNodesAreFoundAndMadeAnew) {
    const auto expect_found_and_mended = [&] {
        const RepoReport report = check_now();
        EXPECT_TRUE(report.problems.empty());
        EXPECT_EQ(report.node_problems.size(), 1u);
        EXPECT_EQ(rebuild(), "");
        EXPECT_TRUE(check_now().is_sound());
    };
    EXPECT_EQ(rebuild(), "");
    bed_.execute("UPDATE repo_node SET node = x'a0' WHERE layer = 0");
    expect_found_and_mended();
    bed_.execute("DELETE FROM repo_node");
    expect_found_and_mended();
}

TEST_F(RepoCheckTest, ACommitThatIsNotItsOwnIsFound) {
    bed_.execute("UPDATE repo SET commit_block = x'a0'");
    EXPECT_EQ(check_now().problems.size(), 2u) << "its CID, and its form";
    EXPECT_EQ(rebuild(), "InvalidCommit");
}

TEST_F(RepoCheckTest, AnotherKeyIsFound) {
    const auto stranger = atproto::PrivateKey::generate(atproto::Curve::k256);
    find_key_ = [stranger](db::Transaction&, std::int64_t) -> Result<atproto::PrivateKey> {
        return stranger;
    };
    EXPECT_EQ(check_now().problems.size(), 1u);
}

}  // namespace
}  // namespace roost::pds
