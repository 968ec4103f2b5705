#include "pds/blobs/blob_store.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "pds/testing.h"

namespace roost::pds::blob_store {
namespace {

using testing::must;
using testing::name_of;

class BlobStoreTest : public ::testing::Test {
  protected:
    testing::TestDatabase bed_;
    Account alice_ = bed_.add_account("alice.test");
    OwnedRepo repo_ =
        must(bed_.read([this](db::Transaction& t) { return repo_store::of_account(t, alice_); }));

    static atproto::Cid cid(std::string_view content) {
        return atproto::Cid::of(atproto::Codec::raw, as_bytes(content));
    }
    static UsedBlob used(std::string_view content) {
        return {cid(content), "text/plain", std::ssize(content)};
    }
    void add(std::string_view content) {
        must(bed_.write([&](db::Transaction& t) {
            return record(t, alice_.id,
                          {.cid = cid(content),
                           .mime_type = "text/plain",
                           .size = std::ssize(content),
                           .file = "file of " + std::string(content)},
                          "", 1'000, now());
        }));
    }
    Result<void> refer(std::string key, std::uint64_t rev, std::vector<UsedBlob> blobs) {
        return bed_.write(
            [&](db::Transaction& t) { return add_references(t, repo_, key, rev, blobs); });
    }
    std::vector<std::string> texts(const std::vector<atproto::Cid>& cids) {
        std::vector<std::string> sorted;
        for (const atproto::Cid& one : cids)
            sorted.push_back(one.text());
        std::ranges::sort(sorted);
        return sorted;
    }
};

TEST_F(BlobStoreTest, AReferenceMustBeToWhatWasUploaded) {
    add("one");
    const auto missing = refer("a/1", 1, {used("two")});
    EXPECT_EQ(name_of(missing), "BlobNotFound");
    EXPECT_EQ(missing.error().message, "Could not find blob: " + cid("two").text());
    UsedBlob other_type = used("one");
    other_type.mime_type = "text/html";
    EXPECT_EQ(name_of(refer("a/1", 1, {other_type})), "InvalidMimeType");
    UsedBlob other_size = used("one");
    other_size.size = 4;
    EXPECT_EQ(name_of(refer("a/1", 1, {other_size})), "InvalidSize");
    must(refer("a/1", 1, {used("one"), used("one")}));
    // As the reference server has it, only the first record is compared with the upload.
    must(refer("a/2", 2, {other_type}));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM record_blob"), 2);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM blob WHERE temporary_since IS NULL"), 1);
}

TEST_F(BlobStoreTest, ABlobMayMoveFromRecordToRecordInOneCommit) {
    add("one");
    add("two");
    must(refer("a/1", 1, {used("one"), used("two")}));
    bed_.write([&](db::Transaction& t) {
        Dropped dropped;
        clear_references(t, repo_.id, "a/1", dropped);
        EXPECT_EQ(dropped.size(), 2u);
        must(add_references(t, repo_, "a/2", 2, std::vector{used("one")}));
        erase_unreferenced(t, repo_, dropped, now());
    });
    bed_.read([&](db::Transaction& t) {
        EXPECT_TRUE(find(t, alice_.id, cid("one")));
        EXPECT_FALSE(find(t, alice_.id, cid("two")));
        EXPECT_TRUE(has_file(t, cid("one"), "file of one"));
        EXPECT_FALSE(has_file(t, cid("one"), "file of two"));
        EXPECT_EQ(usage(t, alice_.id).blobs, 1);
        const auto due = due_deletions(t, now(), 10);
        EXPECT_EQ(due.size(), 1u);
        EXPECT_EQ(due[0].file, "file of two");
    });
}

TEST_F(BlobStoreTest, Lists) {
    for (const char* content : {"one", "two", "three"})
        add(content);
    must(refer("a/1", 10, {used("one"), used("two")}));
    must(refer("a/2", 20, {used("two")}));
    bed_.read([&](db::Transaction& t) {
        const auto all = list(t, repo_.id, std::nullopt, std::nullopt, 10);
        EXPECT_EQ(texts(all), texts({cid("one"), cid("two")}));
        const auto first = list(t, repo_.id, std::nullopt, std::nullopt, 1);
        const auto second = list(t, repo_.id, first[0], std::nullopt, 10);
        EXPECT_EQ(texts({first[0], second[0]}), texts(all));
        EXPECT_EQ(texts(list(t, repo_.id, std::nullopt, 10, 10)), texts({cid("two")}));
        EXPECT_TRUE(list(t, repo_.id, std::nullopt, 20, 10).empty());
        EXPECT_TRUE(list_missing(t, repo_, std::nullopt, 10).empty());
    });
}

TEST_F(BlobStoreTest, RecordsThatAreHereBeforeTheirBlobs) {
    bed_.write([&](db::Transaction& t) {
        for (const char* key : {"a/2", "a/1"})
            add_imported_references(t, repo_.id, key, 1, std::vector{cid("one")});
    });
    bed_.read([&](db::Transaction& t) {
        const auto missing = list_missing(t, repo_, std::nullopt, 10);
        EXPECT_EQ(missing.size(), 1u);
        EXPECT_EQ(missing[0].cid, cid("one"));
        EXPECT_EQ(missing[0].key, "a/1");
        EXPECT_TRUE(list_missing(t, repo_, cid("one"), 10).empty());
        EXPECT_EQ(counts(t, repo_).expected, 1);
        EXPECT_EQ(counts(t, repo_).imported, 0);
    });
    add("one");
    bed_.read([&](db::Transaction& t) {
        EXPECT_FALSE(find(t, alice_.id, cid("one"))->is_temporary);
        EXPECT_TRUE(list_missing(t, repo_, std::nullopt, 10).empty());
        EXPECT_EQ(counts(t, repo_).imported, 1);
    });
}

TEST_F(BlobStoreTest, WithTheAccountAllGoes) {
    add("one");
    add("two");
    must(refer("a/1", 1, {used("one")}));
    bed_.write([&](db::Transaction& t) {
        erase_all(t, alice_.id, now());
        account_store::erase(t, alice_.id);
    });
    EXPECT_EQ(bed_.count("SELECT count(*) FROM blob"), 0);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM blob_usage"), 0);
    EXPECT_TRUE(bed_.write([&](db::Transaction& t) { return erase_some_references(t, repo_.id); }));
    EXPECT_FALSE(
        bed_.write([&](db::Transaction& t) { return erase_some_references(t, repo_.id); }));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM record_blob"), 0);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM blob_deletion"), 2);
    const auto late = bed_.write([&](db::Transaction& t) {
        return record(t, alice_.id, {cid("x"), "a/b", 1, "file"}, "", 10, now());
    });
    EXPECT_EQ(late.error().fault, Fault::not_found);
}

}  // namespace
}  // namespace roost::pds::blob_store
