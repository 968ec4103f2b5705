// The bounds of this room, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::db::limits {

// Writes that wait for the writer thread. At the slowest commit rate worth serving (about 2,000/s)
// this is two seconds of waiting; whoever comes later is told to retry.
inline constexpr std::size_t writes_waiting_max = 4'096;
inline constexpr int writes_waiting_retry_after_s = 2;

// Writes in one COMMIT. Throughput gains little beyond this, and the first of a batch waits for the
// last.
inline constexpr std::size_t writes_per_batch_max = 128;

// How often a batch is begun again without the write that destroyed its transaction, before the
// rest is refused. Bounds the work that a full disk can cause.
inline constexpr int lost_transactions_per_batch_max = 3;

// Threads that read. One connection each (about 100 KB); a server has one per core and a few more.
inline constexpr std::size_t reading_threads_max = 256;

// Snapshots that are open at once: exports of large repositories. Each holds up the emptying of the
// log as long as it lives. Connections that are kept for the next ones.
inline constexpr std::size_t snapshots_max = 32;
inline constexpr std::size_t spare_readers_max = 2;

// Page size of new files: records are a few hundred bytes and events a few KB; measured best.
inline constexpr int page_bytes = 8'192;

// Page caches. Only the writer reads the file through a mapping: a reader would have to map it anew
// whenever somebody committed, and stop the other threads for that.
inline constexpr int writer_cache_kib = 8'192;
inline constexpr int reader_cache_kib = 8'192;
inline constexpr std::int64_t mapped_bytes_max = 1'073'741'824;

// Neighbouring writes to a file that reach it in one; SQLite's VFS takes no more at once. Allocated
// for each log that is open for writing; touched as far as it is used.
inline constexpr std::size_t gathered_bytes_max = 131'071;

// The checkpointer moves the log into the file after this many new pages (8 MiB) …
inline constexpr std::uint32_t checkpoint_pages = 1'024;
// … or this long after a commit, so that a quiet server's log is short.
inline constexpr int checkpoint_delay_ms = 500;
// The pause after a checkpoint that a reader held up or that failed.
inline constexpr int checkpoint_retry_ms = 1'000;

// From this size of the log on (64 MiB) the writer itself finishes the checkpoint, so that the log
// starts over: a busy writer is never caught up with otherwise.
inline constexpr std::uint32_t log_pages_max = 8'192;
// How long the writer waits for readers then, before it lets the log grow by half as much again.
inline constexpr int log_restart_wait_ms = 50;
// A log file that grew larger is cut back to this when it starts over.
inline constexpr std::int64_t log_bytes_kept = 2LL * log_pages_max * page_bytes;

// How long an answer of check_writable() is repeated without a new probe.
inline constexpr std::int64_t writable_answer_ms = 1'000;

}  // namespace roost::db::limits
