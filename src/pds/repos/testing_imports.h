// For tests of imports: an account, its repository, and what has to hold of it after each import.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "base/executor.h"
#include "pds/blobs/testing.h"
#include "pds/repos/record_store.h"
#include "pds/repos/repo_export.h"
#include "pds/repos/repo_imports.h"
#include "pds/repos/testing.h"

namespace roost::pds {

using atproto::Object;
using testing::must;
using testing::name_of;
using testing::notes;
using testing::repo_car;

// A body that lets other things happen before it comes.
class BusyBody final : public net::Body {
  public:
    BusyBody(const Bytes& content, std::function<Task<void>()> meanwhile)
        : body_(std::string(as_text(content)), 50'000), meanwhile_(std::move(meanwhile)) {}
    std::optional<std::uint64_t> declared_size() const override { return std::nullopt; }
    Task<Result<std::string_view>> read_some() override {
        if (std::exchange(is_first_, false)) co_await meanwhile_();
        co_return co_await body_.read_some();
    }
    Task<Result<std::string>> read_all(std::size_t n) override { return body_.read_all(n); }

  private:
    testing::FakeBody body_;
    std::function<Task<void>()> meanwhile_;
    bool is_first_ = true;
};

class RepoImportsTest : public ::testing::Test {
  protected:
    Result<void> import(const Bytes& car) {
        testing::FakeBody body(std::string(as_text(car)), 50'000);
        return bed_.loop.run(imports_.run(ann_, body));
    }
    Result<Written> put(std::string_view rkey, std::string_view text) {
        return bed_.loop.run(repos_.write(ann_, put_request(rkey, text)));
    }
    static WriteRequest put_request(std::string_view rkey, std::string_view text) {
        WriteRequest request;
        request.writes.push_back({.kind = WriteKind::put,
                                  .collection = must(atproto::Nsid::parse("test.roost.note")),
                                  .rkey = must(atproto::RecordKey::parse(rkey)),
                                  .record = Object{{"text", text}}});
        return request;
    }
    repo_store::StoredRepo stored() {
        return bed_.read([&](db::Transaction& t) { return *repo_store::find(t, ann_.id); });
    }
    atproto::Commit head() { return must(atproto::parse_commit(stored().head.commit_block)); }
    std::vector<std::string> keys() {
        const RepoId id = stored().id;
        std::vector<std::string> found;
        for (const auto& pair :
             bed_.read([&](db::Transaction& t) { return record_store::keys(t, id); }))
            found.push_back(pair.key);
        return found;
    }
    Bytes exported() {
        const auto repo_export = must(RepoExport::open(bed_.db(), ann_, {}));
        Bytes car;
        while (must(repo_export->append_to(car, 1'000'000))) {
        }
        return car;
    }
    // What is stored is whole, belongs together, and can be gone on from without a detour.
    void expect_sound(const testing::Records& records) {
        const repo_store::StoredRepo repo = stored();
        EXPECT_EQ(repo.record_count, std::ssize(records));
        EXPECT_EQ(head().data, testing::blocks_of(records).data);
        EXPECT_TRUE(atproto::verify_commit(head(), public_key_));
        EXPECT_EQ(head().rev, repo.head.rev);
        bed_.read([&](db::Transaction& t) {
            const LoadedTree loaded = must(load_tree(t, ann_.id, ann_.did));
            EXPECT_TRUE(loaded.nodes_stamp.has_value()) << "made anew from the records";
            EXPECT_EQ(loaded.unwritten.commits, 0);
        });
        std::vector<std::string> expected;
        for (const auto& [key, record] : records)
            expected.push_back(key);
        EXPECT_EQ(keys(), expected);
    }
    std::int64_t ownerless() {
        return bed_.count("SELECT count(*) FROM repo WHERE account_id IS NULL");
    }
    void expect_only_the_accounts_rows() {
        must(bed_.loop.run(removal_.run()));
        EXPECT_EQ(ownerless(), 0);
        for (const db::Sql& sql :
             {db::Sql("SELECT count(*) FROM record WHERE repo_id NOT IN (SELECT id FROM repo)"),
              db::Sql("SELECT count(*) FROM repo_node WHERE repo_id NOT IN (SELECT id FROM repo)"),
              db::Sql("SELECT count(*) FROM record_subject "
                      "WHERE repo_id NOT IN (SELECT id FROM repo)"),
              db::Sql(
                  "SELECT count(*) FROM record_blob WHERE repo_id NOT IN (SELECT id FROM repo)"),
              db::Sql("SELECT count(*) FROM repo_collection "
                      "WHERE repo_id NOT IN (SELECT id FROM repo)")})
            EXPECT_EQ(bed_.count(sql), 0);
        EXPECT_EQ(bed_.count("SELECT count(*) FROM record"), stored().record_count);
    }
    RepoImports imports_with(ImportOptions options) {
        return {bed_.db(), *bed_.pool, repos_, removal_, find_key(), std::move(options)};
    }
    ImportOptions options() {
        return {.bytes_max = 50'000'000, .free_bytes_min = 0, .folder = bed_.spool()};
    }
    // What tests do while an import is on its way.
    Task<void> write_meanwhile() {
        must(co_await repos_.write(ann_, put_request("meanwhile", "x")));
    }
    Task<void> expect_refused(const Account& account) {
        testing::FakeBody body{std::string(as_text(repo_car(account.did, notes(1))))};
        const auto answer = co_await imports_.run(account, body);
        EXPECT_EQ(name_of(answer), "ServiceUnavailable");
        EXPECT_GT(answer.error().retry_after_s, 0);
    }
    Task<void> import_beside(const Account& second, const Account& third) {
        co_await expect_refused(ann_);
        BusyBody body(repo_car(second.did, notes(5)), [&] { return expect_refused(third); });
        must(co_await imports_.run(second, body));
    }
    FindSigningKey find_key() {
        return [this](db::Transaction& t, std::int64_t id) {
            return key_store::find(t, id, bed_.vault);
        };
    }

    testing::BlobBed bed_;
    lexicon::Catalog catalog_ = must(lexicon::Catalog::of({}));
    Repos repos_{bed_.db(), find_key(), catalog_, SignatureCheck::on};
    RepoRemoval removal_{bed_.db()};
    RepoImports imports_ = imports_with(options());
    Account ann_ = bed_.add_account("ann.test");
    atproto::PublicKey public_key_ = bed_.read([&](db::Transaction& t) {
        return must(key_store::find(t, ann_.id, bed_.vault)).public_key();
    });
};

}  // namespace roost::pds
