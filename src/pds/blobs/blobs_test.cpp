#include "pds/blobs/blobs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "pds/blobs/limits.h"
#include "pds/blobs/testing.h"

namespace roost::pds {
namespace {

using testing::FakeBody;
using testing::must;
using testing::name_of;

class BlobsTest : public ::testing::Test {
  protected:
    testing::BlobBed bed_;
    Account alice_ = bed_.add_account("alice.test");
    Account bob_ = bed_.add_account("bob.test");

    std::filesystem::path path_of(const blob_store::Blob& blob) {
        return bed_.folder() / blob.file;
    }
    std::int64_t deletions() { return bed_.count("SELECT count(*) FROM blob_deletion"); }
    void remove_files() { must(bed_.loop.run(bed_.blobs->remove_files(now()))); }
    void settle() { bed_.loop.run(bed_.blobs->settle()); }
    std::int64_t used_bytes(const Account& account) {
        return bed_.read([&](db::Transaction& t) { return blob_store::usage(t, account.id); })
            .bytes;
    }
};

TEST_F(BlobsTest, AnUploadIsThereOnceARecordRefersToIt) {
    std::string content;
    for (int i = 0; i < 50'000; ++i)
        content += std::to_string(i);
    const auto blob = must(bed_.upload(alice_, content));
    EXPECT_EQ(blob.cid, atproto::Cid::of(atproto::Codec::raw, as_bytes(content)));
    EXPECT_EQ(blob.size, std::ssize(content));
    EXPECT_EQ(blob.mime_type, "text/plain");
    EXPECT_EQ(bed_.loop.run(bed_.blobs->find(alice_.id, blob.cid)).error().message,
              "Blob not found");
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(blob)}));
    const auto found = must(bed_.loop.run(bed_.blobs->find(alice_.id, blob.cid)));
    EXPECT_EQ(bed_.content(found, 0, found.size), content);
    EXPECT_EQ(bed_.content(found, 70'000, 100'000), content.substr(70'000, 100'000));
    EXPECT_FALSE(bed_.loop.run(bed_.blobs->find(bob_.id, blob.cid)).has_value());
    struct stat facts{};
    ASSERT_EQ(::stat(path_of(blob).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
    EXPECT_EQ(bed_.files_left(), 1u);
}

// Whether the length is known before or the end shows it, at the edges of what a worker takes.
TEST_F(BlobsTest, AnUploadOfAnyLengthIsWhole) {
    constexpr std::size_t piece = limits::blob_upload_piece_bytes;
    for (const std::size_t size : {piece - 1, piece, piece + 1})
        for (const bool is_declared : {false, true}) {
            const std::string content(size, is_declared ? 'd' : 'c');
            FakeBody body(content, 10'000);
            if (is_declared) body.declared = size;
            const auto blob = must(bed_.loop.run(bed_.blobs->upload(alice_.id, "a/b", body)));
            EXPECT_EQ(blob.cid, atproto::Cid::of(atproto::Codec::raw, as_bytes(content))) << size;
            EXPECT_EQ(blob.size, std::ssize(content));
            EXPECT_EQ(body.bytes_read, size);
        }
}

TEST_F(BlobsTest, TheEmptyBlob) {
    const auto blob = must(bed_.upload(alice_, ""));
    EXPECT_EQ(blob.size, 0);
    EXPECT_EQ(blob.cid.text(), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
}

TEST_F(BlobsTest, TheContentTellsItsType) {
    EXPECT_EQ(must(bed_.upload(alice_, "GIF89a...", "text/html")).mime_type, "image/gif");
    EXPECT_EQ(must(bed_.upload(alice_, "nothing known", "*/*")).mime_type,
              "application/octet-stream");
    EXPECT_EQ(bed_.upload(alice_, "x", "text").error().message,
              "Wrong request encoding (Content-Type): text");
}

TEST_F(BlobsTest, TheSameBytesAreOneBlobOfAnAccount) {
    const auto first = must(bed_.upload(alice_, "same"));
    const auto second = must(bed_.upload(alice_, "same", "text/css"));
    EXPECT_EQ(second.id, first.id);
    EXPECT_EQ(second.file, first.file);
    EXPECT_EQ(second.mime_type, "text/css");  // still temporary: the last one says
    EXPECT_EQ(bed_.files->kept, 1);
    const auto other = must(bed_.upload(bob_, "same"));
    EXPECT_NE(other.file, first.file);
    EXPECT_EQ(used_bytes(alice_), 4);
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(second)}));
    EXPECT_EQ(must(bed_.upload(alice_, "same", "text/plain")).mime_type, "text/css");
    EXPECT_EQ(bed_.files_left(), 2u);
}

TEST_F(BlobsTest, TwoUploadsOfTheSameAtOnceLeaveOneFile) {
    // The second one gets in while the first is about to be kept.
    bed_.files->before_keep = [&] {
        bed_.files->before_keep = [] {};
        bed_.write([&](db::Transaction& t) {
            (void)blob_store::record(
                t, alice_.id,
                {.cid = atproto::Cid::of(atproto::Codec::raw, as_bytes("same")),
                 .mime_type = "text/plain",
                 .size = 4,
                 .file = "00/theirs"},
                "", 1'000, now());
        });
    };
    const auto blob = must(bed_.upload(alice_, "same"));
    EXPECT_EQ(blob.file, "00/theirs");
    settle();
    EXPECT_EQ(bed_.files_left(), 0u);
}

TEST_F(BlobsTest, TooLargeIsRefusedBeforeAndWhile) {
    FakeBody declared(std::string(10, 'x'));
    declared.declared = 1'000'001;
    EXPECT_EQ(bed_.loop.run(bed_.blobs->upload(alice_.id, "a/b", declared)).error().fault,
              Fault::payload_too_large);
    EXPECT_EQ(declared.bytes_read, 0u);
    FakeBody chunked(std::string(3'000'000, 'x'));
    EXPECT_EQ(bed_.loop.run(bed_.blobs->upload(alice_.id, "a/b", chunked)).error().fault,
              Fault::payload_too_large);
    EXPECT_LE(chunked.bytes_read, 1'001'000u);
    EXPECT_EQ(bed_.files_left(), 0u);
}

TEST_F(BlobsTest, ABodyThatBreaksOffLeavesNothing) {
    FakeBody body(std::string(300'000, 'x'));
    body.breaks_off = true;
    EXPECT_EQ(bed_.loop.run(bed_.blobs->upload(alice_.id, "a/b", body)).error().fault,
              Fault::invalid);
    EXPECT_EQ(bed_.files_left(), 0u);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM blob"), 0);
}

TEST_F(BlobsTest, TheQuotaCountsWhatIsStored) {
    must(bed_.upload(alice_, std::string(900'000, 'a')));
    must(bed_.upload(alice_, std::string(900'000, 'b')));
    const auto third = bed_.upload(alice_, std::string(200'001, 'c'));
    EXPECT_EQ(name_of(third), "BlobQuotaExceeded");
    must(bed_.upload(alice_, std::string(900'000, 'a')));  // it is there already
    must(bed_.upload(alice_, std::string(200'000, 'c')));
    must(bed_.upload(bob_, std::string(900'000, 'a')));
    EXPECT_EQ(used_bytes(alice_), 2'000'000);
}

TEST_F(BlobsTest, AFullDiskRefuses) {
    bed_.options.free_bytes_min = INT64_MAX / 2;
    bed_.restart();
    EXPECT_EQ(bed_.upload(alice_, "x").error().fault, Fault::insufficient_storage);
    EXPECT_EQ(bed_.files_left(), 0u);
}

TEST_F(BlobsTest, AFailureOfTheStoreIsSettled) {
    bed_.files->keep_error = Error{Fault::upstream_timeout, "UpstreamTimeout", ""};
    EXPECT_EQ(bed_.upload(alice_, "x").error().fault, Fault::upstream_timeout);
    EXPECT_EQ(bed_.count_files(bed_.folder()), 2u);  // in the store, and the note of it
    bed_.files->erase_error = Error{Fault::upstream_timeout, "UpstreamTimeout", ""};
    settle();
    EXPECT_EQ(bed_.count_files(bed_.spool()), 1u);
    bed_.files->erase_error.reset();
    settle();
    EXPECT_EQ(bed_.files_left(), 0u);
}

TEST_F(BlobsTest, WhatACrashLeavesIsSettledAtTheNextStart) {
    // One that was kept and has its row, one that was kept and has none, one that is not whole.
    const auto recorded = must(bed_.upload(alice_, "recorded"));
    const std::string nonce = recorded.file.substr(recorded.file.find('-') + 1);
    bed_.restart();
    std::ofstream(bed_.spool() / (nonce + ".upload")) << "recorded";
    bed_.files->keep_error = Error{Fault::internal, "", ""};
    (void)bed_.upload(alice_, "unknown");
    std::ofstream(bed_.spool() / (std::string(26, 'a') + ".upload")) << "half";
    std::ofstream(bed_.spool() / "not ours") << "x";
    EXPECT_EQ(bed_.count_files(bed_.folder()), 6u);
    bed_.restart();
    settle();
    EXPECT_EQ(bed_.files_left(), 2u);
    EXPECT_TRUE(std::filesystem::exists(path_of(recorded)));
    EXPECT_TRUE(std::filesystem::exists(bed_.spool() / "not ours"));
}

TEST_F(BlobsTest, WithItsLastReferenceABlobGoes) {
    const auto blob = must(bed_.upload(alice_, "picture"));
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(blob)}));
    must(bed_.refer(alice_, "app.test/2", {bed_.use_of(blob)}));
    must(bed_.refer(alice_, "app.test/1", {}));
    EXPECT_EQ(deletions(), 0);
    must(bed_.refer(alice_, "app.test/2", {}));
    EXPECT_EQ(deletions(), 1);
    EXPECT_EQ(used_bytes(alice_), 0);
    EXPECT_FALSE(bed_.loop.run(bed_.blobs->find(alice_.id, blob.cid)).has_value());
    EXPECT_TRUE(std::filesystem::exists(path_of(blob)));
    remove_files();
    EXPECT_EQ(deletions(), 0);
    EXPECT_EQ(bed_.files_left(), 0u);
}

TEST_F(BlobsTest, UploadedAgainWhileItWaitsForDeletion) {
    const auto blob = must(bed_.upload(alice_, "picture"));
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(blob)}));
    must(bed_.refer(alice_, "app.test/1", {}));
    const auto again = must(bed_.upload(alice_, "picture"));
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(again)}));
    remove_files();
    EXPECT_FALSE(std::filesystem::exists(path_of(blob)));
    EXPECT_EQ(bed_.content(again, 0, again.size), "picture");
    EXPECT_EQ(bed_.files_left(), 1u);
}

TEST_F(BlobsTest, AFileThatCannotBeRemovedIsTriedAgainLater) {
    const auto blob = must(bed_.upload(alice_, "picture"));
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(blob)}));
    must(bed_.refer(alice_, "app.test/1", {}));
    bed_.files->erase_error = Error{Fault::upstream_timeout, "", ""};
    const Timestamp time = now();
    must(bed_.loop.run(bed_.blobs->remove_files(time)));
    bed_.files->erase_error.reset();
    must(bed_.loop.run(bed_.blobs->remove_files(time)));
    EXPECT_EQ(deletions(), 1);
    must(bed_.loop.run(bed_.blobs->remove_files(time.plus_ms(limits::blob_deletion_retry_ms))));
    EXPECT_EQ(deletions(), 0);
}

TEST_F(BlobsTest, TemporaryBlobsExpire) {
    const auto used = must(bed_.upload(alice_, "used"));
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(used)}));
    must(bed_.upload(alice_, "forgotten"));
    const Timestamp time = now();
    EXPECT_EQ(must(bed_.loop.run(bed_.blobs->expire(time.plus_s(limits::blob_temporary_s - 60)))),
              0);
    EXPECT_EQ(must(bed_.loop.run(bed_.blobs->expire(time.plus_s(limits::blob_temporary_s + 60)))),
              1);
    must(bed_.loop.run(bed_.blobs->remove_files(time.plus_s(limits::blob_temporary_s + 60))));
    EXPECT_EQ(bed_.files_left(), 1u);
    EXPECT_EQ(used_bytes(alice_), 4);
}

TEST_F(BlobsTest, TakenDown) {
    const auto blob = must(bed_.upload(alice_, "bad"));
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(blob)}));
    EXPECT_TRUE(bed_.write([&](db::Transaction& t) {
        return blob_store::set_takedown(t, alice_.id, blob.cid, "ref");
    }));
    EXPECT_FALSE(bed_.loop.run(bed_.blobs->find(alice_.id, blob.cid)).has_value());
    EXPECT_EQ(bed_.upload(alice_, "bad").error().message,
              "Blob has been takendown, cannot re-upload");
    EXPECT_EQ(name_of(bed_.refer(alice_, "app.test/2", {bed_.use_of(blob)})), "BlobNotFound");
    EXPECT_EQ(bed_.files_left(), 1u);
}

TEST_F(BlobsTest, ATakedownOutlivesTheRecordThatReferredToIt) {
    const auto blob = must(bed_.upload(alice_, "bad"));
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(blob)}));
    const auto take_down = [&](const std::optional<std::string>& ref) {
        EXPECT_TRUE(bed_.write([&](db::Transaction& t) {
            return blob_store::set_takedown(t, alice_.id, blob.cid, ref);
        }));
    };
    take_down("ref");
    must(bed_.refer(alice_, "app.test/1", {}));
    const Timestamp later = now().plus_s(limits::blob_temporary_s + 60);
    EXPECT_EQ(must(bed_.loop.run(bed_.blobs->expire(later))), 0);
    EXPECT_EQ(bed_.upload(alice_, "bad").error().message,
              "Blob has been takendown, cannot re-upload");
    EXPECT_EQ(bed_.files_left(), 1u);
    take_down(std::nullopt);
    EXPECT_EQ(must(bed_.loop.run(bed_.blobs->expire(later))), 1);
    EXPECT_TRUE(bed_.upload(alice_, "bad").has_value());
}

TEST_F(BlobsTest, TheScrubTellsAndDeletesNothing) {
    std::vector<blob_store::Blob> blobs;
    for (const char* content : {"sound", "damaged", "missing", "short"})
        blobs.push_back(must(bed_.upload(alice_, content)));
    std::ofstream(path_of(blobs[1])) << "DAMAGED";
    std::filesystem::remove(path_of(blobs[2]));
    std::ofstream(path_of(blobs[3])) << "sho";
    const Timestamp time = now();
    must(bed_.loop.run(bed_.blobs->scrub(time)));
    EXPECT_EQ(bed_.blobs->stats().scrubbed_total, 4);
    EXPECT_EQ(bed_.blobs->stats().damaged_total, 2);
    EXPECT_EQ(bed_.blobs->stats().missing_total, 1);
    EXPECT_EQ(bed_.count("SELECT last_id FROM blob_scrub"), blobs[3].id);
    must(bed_.loop.run(bed_.blobs->scrub(time)));  // the end: the next pass is a week later
    must(bed_.loop.run(bed_.blobs->scrub(time.plus_s(60))));
    EXPECT_EQ(bed_.blobs->stats().scrubbed_total, 4);
    must(bed_.loop.run(bed_.blobs->scrub(time.plus_s(limits::blob_scrub_pass_s))));
    EXPECT_EQ(bed_.blobs->stats().scrubbed_total, 8);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM blob"), 4);
}

TEST_F(BlobsTest, AMissingFileIsHealedByAnotherUpload) {
    const auto blob = must(bed_.upload(alice_, "picture"));
    must(bed_.refer(alice_, "app.test/1", {bed_.use_of(blob)}));
    std::filesystem::remove(path_of(blob));
    EXPECT_FALSE(bed_.loop.run(bed_.blobs->read(blob, 0, blob.size)).has_value());
    const auto healed = must(bed_.upload(alice_, "picture"));
    EXPECT_EQ(healed.id, blob.id);
    EXPECT_NE(healed.file, blob.file);
    EXPECT_EQ(bed_.content(healed, 0, healed.size), "picture");
    EXPECT_EQ(used_bytes(alice_), 7);
}

TEST_F(BlobsTest, OneAccountHasSoManyUploadsAtOnce) {
    struct Endless final : net::Body {
        std::optional<std::uint64_t> declared_size() const override { return std::nullopt; }
        Task<Result<std::string_view>> read_some() override {
            co_await sleep_ms(20);
            co_return ended ? std::string_view() : std::string_view("x");
        }
        Task<Result<std::string>> read_all(std::size_t) override { co_return std::string(); }
        bool ended = false;
    };
    Endless body;
    std::size_t open = limits::blob_uploads_per_account_max;
    const auto run = [](Blobs& blobs, std::int64_t id, net::Body& its_body,
                        std::size_t& count) -> Task<void> {
        (void)co_await blobs.upload(id, "a/b", its_body);
        --count;
    };
    for (std::size_t i = 0; i < limits::blob_uploads_per_account_max; ++i)
        start_detached(run(*bed_.blobs, alice_.id, body, open));
    EXPECT_EQ(bed_.upload(alice_, "x").error().fault, Fault::unavailable);
    must(bed_.upload(bob_, "x"));
    body.ended = true;
    bed_.loop.run(db::testing::until_zero(open));
    must(bed_.upload(alice_, "x"));
}

}  // namespace
}  // namespace roost::pds
