#include "pds/blobs/disk_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "pds/blobs/testing.h"

namespace roost::pds {
namespace {

using testing::must;

constexpr std::int64_t size = 900'005;

class DiskFilesTest : public ::testing::Test {
  protected:
    DiskFilesTest() {
        for (std::int64_t i = 0; i < size; ++i)
            content_.push_back(static_cast<char>(i * 2'654'435'761U >> 24));
        const blob_store::Blob blob = must(bed_.upload(bed_.add_account("alice.test"), content_));
        name_ = blob.file;
        path_ = bed_.folder() / name_;
    }
    std::unique_ptr<net::BodySource> open(std::int64_t offset) {
        return must(bed_.loop.run(bed_.files->open(name_, offset, size - offset)));
    }
    std::string next(net::BodySource& source) {
        return std::string(must(bed_.loop.run(source.next())));
    }
    // How many pages of the file the system says are in memory; none also where it does not know
    // the call, before Linux 6.5, or its file system does not.
    std::uint64_t pages_in_memory() {
        std::uint64_t range[2] = {0, static_cast<std::uint64_t>(size)};
        std::uint64_t pages[5] = {};
        const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
        ::syscall(451, file, range, pages, 0);
        ::close(file);
        return pages[0];
    }
    void forget_pages() {
        const int file = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
        ASSERT_EQ(::fsync(file), 0);
        ASSERT_EQ(::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
        ::close(file);
    }

    testing::BlobBed bed_;
    std::string content_;
    std::string name_;
    std::filesystem::path path_;
};

TEST_F(DiskFilesTest, WhatIsInMemoryIsSentFromTheFile) {
    if (pages_in_memory() == 0) GTEST_SKIP() << "the system does not tell what it has in memory";
    const auto source = open(7);
    std::string sent;
    for (int i = 0; static_cast<std::int64_t>(sent.size()) < size - 7; ++i) {
        if (i % 2 == 1) {
            sent += next(*source);
            continue;
        }
        const auto piece = source->in_file();
        ASSERT_TRUE(piece.has_value());
        std::string bytes(std::min<std::size_t>(piece->size, 100'000), '\0');
        ASSERT_EQ(::pread(piece->descriptor, bytes.data(), bytes.size(), piece->offset),
                  static_cast<ssize_t>(bytes.size()));
        source->skip(bytes.size());
        sent += bytes;
    }
    EXPECT_TRUE(sent == content_.substr(7));
    EXPECT_FALSE(source->in_file().has_value());
    EXPECT_EQ(next(*source), "");
}

TEST_F(DiskFilesTest, WhatIsOnTheDiskIsReadByAWorker) {
    forget_pages();
    if (pages_in_memory() > 0) GTEST_SKIP() << "the system keeps the file in memory";
    const auto source = open(0);
    EXPECT_FALSE(source->in_file().has_value());
    std::string sent;
    for (std::string piece = next(*source); !piece.empty(); piece = next(*source))
        sent += piece;
    EXPECT_TRUE(sent == content_);
}

TEST_F(DiskFilesTest, AFileThatIsTooShortIsNoBlob) {
    std::filesystem::resize_file(path_, size - 1);
    const auto source = bed_.loop.run(bed_.files->open(name_, 0, size));
    ASSERT_FALSE(source.has_value());
    EXPECT_EQ(source.error().fault, Fault::not_found);
}

}  // namespace
}  // namespace roost::pds
