// Every bound of the room, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::pds::limits {

// What is collected of an upload before a worker hashes and writes it, and what is read of a file
// at once (docs/decisions/0019-blobs.md). Larger gains nothing, and each transfer holds one.
inline constexpr std::size_t blob_upload_piece_bytes = 256 * 1024;
inline constexpr std::size_t blob_piece_bytes = 64 * 1024;
// What is looked for in memory at once, to be sent without a copy: what a socket may take.
inline constexpr std::int64_t blob_file_piece_bytes = 1024 * 1024;
// Transfers at once, of all accounts and of one: the first two bound memory, the third keeps one
// account from taking all.
inline constexpr std::int64_t blob_uploads_max = 256;
inline constexpr std::int64_t blob_downloads_max = 1'024;
inline constexpr std::int64_t blob_uploads_per_account_max = 16;
inline constexpr int blob_busy_retry_s = 2;
// Threads that wait for the disk. fsync is most of it, and a disk does a few at a time.
inline constexpr int blob_file_threads = 4;

// How long a blob may wait for a record that refers to it. The specification asks for several
// hours, and an hour at the very least.
inline constexpr std::int64_t blob_temporary_s = 24 * 60 * 60;

// What one turn of a background job takes on.
inline constexpr std::int64_t blob_expiries_per_batch = 200;
inline constexpr std::int64_t blob_deletions_per_batch = 200;
// References of a repository that belongs to nobody: rows of a few dozen bytes.
inline constexpr std::int64_t blob_references_per_batch = 1'000;
// A file that could not be removed is tried again after this.
inline constexpr std::int64_t blob_deletion_retry_ms = 10 * 60 * 1'000;
// The scrub: 1.6 MB/s, so 100 GB take 17 hours; and a pause of a week before it starts over.
inline constexpr std::int64_t blob_scrub_bytes_per_turn = 16 * 1024 * 1024;
inline constexpr std::int64_t blob_scrub_blobs_per_turn = 64;
inline constexpr std::int64_t blob_scrub_turn_ms = 10'000;
inline constexpr std::int64_t blob_scrub_pass_s = 7 * 24 * 60 * 60;

// A media type: those registered are shorter than half of it.
inline constexpr std::size_t media_type_bytes_max = 127;
// The start of a file that tells its type: the mark of a tar file stands behind 257 bytes.
inline constexpr std::size_t sniffed_bytes_max = 4'096;

// Requests to the S3 store: attempts at one that failed for a passing reason, and the pause before
// the first repetition, doubled each time.
inline constexpr int s3_attempts = 3;
inline constexpr std::int64_t s3_retry_ms = 200;
inline constexpr int s3_request_timeout_ms = 20'000;

}  // namespace roost::pds::limits
