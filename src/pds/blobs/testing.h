// What the tests of this room share: a body that a request might have, a store of blobs in a
// temporary folder, and a server that keeps accounts.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pds/blobs/blobs.h"
#include "pds/blobs/disk_files.h"
#include "pds/testing.h"

namespace roost::pds::testing {

class FakeBody final : public net::Body {
  public:
    explicit FakeBody(std::string content, std::size_t piece = 1'000)
        : content_(std::move(content)), piece_(piece) {}
    std::optional<std::uint64_t> declared = std::nullopt;
    bool breaks_off = false;
    std::size_t bytes_read = 0;

    std::optional<std::uint64_t> declared_size() const override { return declared; }
    Task<Result<std::string_view>> read_some() override {
        if (breaks_off && bytes_read >= content_.size() / 2)
            co_return Error::invalid("The request body did not arrive in whole and in time.");
        const std::string_view piece = std::string_view(content_).substr(bytes_read, piece_);
        bytes_read += piece.size();
        co_return piece;
    }
    Task<Result<std::string>> read_all(std::size_t) override { co_return content_; }

  private:
    std::string content_;
    std::size_t piece_;
};

// A store whose steps can be made to fail.
class TestFiles final : public BlobFiles {
  public:
    explicit TestFiles(std::unique_ptr<BlobFiles> real) : real_(std::move(real)) {}
    std::optional<Error> keep_error = std::nullopt;  // after it was kept
    std::optional<Error> erase_error = std::nullopt;
    std::function<void()> before_keep = [] {};
    int kept = 0;

    Task<Result<void>> keep(std::shared_ptr<SpooledFile> upload) override {
        before_keep();
        ++kept;
        CO_TRY(co_await real_->keep(upload));
        if (keep_error) co_return *keep_error;
        co_return Result<void>();
    }
    Task<Result<std::unique_ptr<net::BodySource>>> open(std::string name, std::int64_t offset,
                                                        std::int64_t size) override {
        co_return co_await real_->open(name, offset, size);
    }
    Task<Result<void>> erase(std::string name) override {
        if (erase_error) co_return *erase_error;
        co_return co_await real_->erase(name);
    }
    Task<Result<bool>> has(std::string name, std::int64_t size) override {
        co_return co_await real_->has(name, size);
    }
    Task<Result<Condition>> inspect(std::string name, std::int64_t size,
                                    atproto::Cid cid) override {
        co_return co_await real_->inspect(name, size, cid);
    }

  private:
    std::unique_ptr<BlobFiles> real_;
};

class BlobBed : public TestDatabase {
  public:
    BlobBed() { start(); }
    ~BlobBed() {
        blobs.reset();
        pool.reset();
    }
    // As another process would, with what is on the disk.
    void start() {
        blobs.reset();
        pool = std::make_unique<FilePool>(2);
        auto real = must(DiskFiles::open(folder(), *pool));
        auto made = std::make_unique<TestFiles>(std::move(real));
        files = made.get();
        blobs = std::make_unique<Blobs>(db(), *pool, must(SpoolFolder::open(spool())),
                                        std::move(made), options);
    }
    // Ends what workers still have in hand.
    void restart() {
        blobs.reset();
        pool.reset();
        start();
    }

    Result<blob_store::Blob> upload(const Account& account, std::string content,
                                    std::string type = "text/plain") {
        FakeBody body(std::move(content));
        return loop.run(blobs->upload(account.id, std::move(type), body));
    }
    // As a commit does.
    Result<void> refer(const Account& account, std::string key, std::vector<UsedBlob> used,
                       std::uint64_t rev = 1) {
        return write([=](db::Transaction& t) -> Result<void> {
            blob_store::Dropped dropped;
            const OwnedRepo repo = TRY(repo_store::of_account(t, account));
            blob_store::clear_references(t, repo.id, key, dropped);
            TRY(blob_store::add_references(t, repo, key, rev, used));
            blob_store::erase_unreferenced(t, repo, dropped, now());
            return {};
        });
    }
    static UsedBlob use_of(const blob_store::Blob& blob) {
        return {blob.cid, blob.mime_type, blob.size};
    }
    std::string content(const blob_store::Blob& blob, std::int64_t offset, std::int64_t size) {
        auto source = must(loop.run(blobs->read(blob, offset, size)));
        std::string all;
        while (true) {
            const std::string_view piece = must(loop.run(source->next()));
            if (piece.empty()) return all;
            all += piece;
        }
    }

    std::filesystem::path folder() const { return folder_.path() + "/blobs"; }
    std::filesystem::path spool() const { return folder_.path() + "/blobs/tmp"; }
    static std::size_t count_files(const std::filesystem::path& where) {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(where))
            count += entry.is_regular_file() ? 1 : 0;
        return count;
    }
    // Those of workers, too.
    std::size_t files_left() {
        restart();
        return count_files(folder());
    }

    BlobOptions options{
        .upload_bytes_max = 1'000'000, .account_bytes_max = 2'000'000, .free_bytes_min = 0};
    std::unique_ptr<FilePool> pool;
    std::unique_ptr<Blobs> blobs;
    TestFiles* files = nullptr;

  private:
    db::testing::TempFolder folder_;
};

}  // namespace roost::pds::testing
