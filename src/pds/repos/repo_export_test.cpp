#include "pds/repos/repo_export.h"

#include <gtest/gtest.h>

#include "pds/repos/repo_store.h"
#include "pds/repos/repos.h"
#include "pds/sync/event_log.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using testing::must;

class RepoExportTest : public ::testing::Test {
  protected:
    Result<Written> create(const Account& account, std::string_view rkey, std::string_view text) {
        WriteRequest request{.validation = Validation::off};
        request.writes.push_back({.kind = WriteKind::create,
                                  .collection = must(atproto::Nsid::parse("test.roost.note")),
                                  .rkey = must(atproto::RecordKey::parse(rkey)),
                                  .record = atproto::Object{{"text", text}}});
        return bed_.loop.run(repos_.write(account, std::move(request)));
    }
    Result<Written> create(int number) {
        return create(ann_, "k" + std::to_string(number), "note " + std::to_string(number));
    }

    testing::TestDatabase bed_;
    lexicon::Catalog catalog_ = must(lexicon::Catalog::of({}));
    Repos repos_{bed_.db(),
                 [this](db::Transaction& t, std::int64_t account_id) {
                     return key_store::find(t, account_id, bed_.vault);
                 },
                 catalog_, SignatureCheck::off};
    Account ann_ = bed_.add_account("ann.test");
};

// What the disk has changed is told, with the repository's name, and is nobody else's trouble.
TEST_F(RepoExportTest, TrustsNoBlock) {
    const auto exported = [&](const Account& account, std::optional<atproto::Tid> since) {
        Result<std::unique_ptr<RepoExport>> opened =
            RepoExport::open(bed_.db(), account, {.since = since});
        if (!opened.has_value()) return opened.error().message;
        Bytes car;
        Result<bool> more = true;
        while (more.has_value() && *more)
            more = (*opened)->append_to(car, car.size() + 1);
        return more.has_value() ? std::string("fine") : more.error().message;
    };
    const Account bob = bed_.add_account("bob.test");
    must(create(bob, "one", "a note"));
    const atproto::Tid first = must(create(0)).commit->rev;
    for (int i = 1; i < 100; ++i)
        must(create(i));
    EXPECT_EQ(exported(ann_, std::nullopt), "fine");
    EXPECT_EQ(exported(ann_, first), "fine");
    const auto expect_damage = [&](db::Sql change, db::Sql undo, std::string_view reason,
                                   std::optional<atproto::Tid> since) {
        bed_.execute(change);
        const std::string said = exported(ann_, since);
        EXPECT_NE(said.find(ann_.did.text()), std::string::npos) << said;
        EXPECT_NE(said.find(reason), std::string::npos) << said;
        EXPECT_EQ(exported(bob, std::nullopt), "fine");
        bed_.execute(undo);
    };
    for (const auto& since : {std::optional<atproto::Tid>(), std::optional(first)}) {
        expect_damage(
            "UPDATE record SET value = CAST(value || x'00' AS BLOB) WHERE key LIKE '%/k50'",
            "UPDATE record SET value = substr(value, 1, length(value) - 1) WHERE key LIKE '%/k50'",
            "k50 is not what its CID says", since);
        expect_damage("UPDATE record SET key = replace(key, '/k50', '/z50') WHERE key LIKE '%/k50'",
                      "UPDATE record SET key = replace(key, '/z50', '/k50') WHERE key LIKE '%/z50'",
                      "k50 is missing", since);
        expect_damage(
            "UPDATE repo SET commit_block = CAST(commit_block || x'00' AS BLOB)"
            " WHERE id = (SELECT min(id) FROM repo)",
            "UPDATE repo SET commit_block = substr(commit_block, 1, length(commit_block) "
            "- 1) WHERE id = (SELECT min(id) FROM repo)",
            "is damaged", since);
    }
    // Nodes that are newer than all commits: nothing is replayed.
    const auto newest = [](db::Transaction& t) { return event_log::newest(t); };
    const auto nodes_seq = [this](db::Transaction& t) {
        return repo_store::find(t, ann_.id)->nodes_seq;
    };
    for (int i = 100; i < 164 && bed_.read(nodes_seq) != bed_.read(newest); ++i)
        must(create(i));
    bed_.execute(
        "UPDATE repo_node SET node = x'00' WHERE layer = 0"
        " AND repo_id = (SELECT min(id) FROM repo)");
    EXPECT_NE(exported(ann_, std::nullopt).find(ann_.did.text()), std::string::npos);
    EXPECT_EQ(exported(bob, std::nullopt), "fine");
}

TEST_F(RepoExportTest, PassesOverRecordsThatTheTreeDoesNotKnow) {
    const auto exported = [&](const ExportPart& part) {
        const std::unique_ptr<RepoExport> opened = must(RepoExport::open(bed_.db(), ann_, part));
        Bytes car;
        while (must(opened->append_to(car, car.size() + 1))) {
        }
        return car;
    };
    for (int i = 10; i < 60; ++i)
        must(create(i));
    const Bytes whole = exported({});
    const ExportPart notes{.collection = must(atproto::Nsid::parse("test.roost.note"))};
    const Bytes collection = exported(notes);
    // Before all others, two side by side, one with the bytes of its neighbour, and after the last.
    bed_.execute(
        "INSERT INTO record (repo_id, key, cid, rev, value) SELECT repo_id, "
        "key || suffix, cid, rev, CASE suffix WHEN 'c' THEN value ELSE x'a0' END "
        "FROM record, (SELECT 'a' AS suffix UNION SELECT 'b' UNION SELECT 'c') "
        "WHERE key LIKE '%/k30' OR key LIKE '%/k31' OR key LIKE '%/k59'");
    bed_.execute(
        "INSERT INTO record (repo_id, key, cid, rev, value) SELECT repo_id, "
        "replace(key, '/k10', '/a'), cid, rev, x'a0' FROM record WHERE key LIKE '%/k10'");
    EXPECT_EQ(exported({}), whole);
    EXPECT_EQ(exported(notes), collection);
}

}  // namespace
}  // namespace roost::pds
