// The bounds of the business rooms, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace roost::pds::limits {

// A password as the protocol's clients send it. The upper bound keeps hashing input small; old
// passwords of up to 512 bytes, as the reference allowed once, still log in.
inline constexpr std::size_t password_bytes_min = 8;
inline constexpr std::size_t new_password_bytes_max = 256;
inline constexpr std::size_t old_password_bytes_max = 512;

// Password hashing: one hash takes 20 to 35 ms of a core and 16 to 19 MiB. Whoever would have to
// wait longer than this is told to come back.
inline constexpr std::int64_t hash_wait_ms_max = 2'000;
inline constexpr std::size_t hash_queue_max = 64;

// Guessing at one account from many addresses: so many failures in an hour cost nothing, then each
// attempt waits, longer with every failure, and one after the other. Seconds are a nuisance to a
// person and the end of a guessing run: 720 guesses an hour. Clients give up after a minute or
// half, so whoever would wait longer is told so at once; that bounds the line, too.
inline constexpr std::int64_t log_in_failures_free = 20;
inline constexpr std::int64_t log_in_failures_kept_s = 60 * 60;
inline constexpr std::int64_t log_in_delay_step_ms = 250;
inline constexpr std::int64_t log_in_delay_ms_max = 5'000;
inline constexpr std::int64_t log_in_wait_ms_max = 25'000;
// Of some five places in the line, so that one address leaves room for others.
inline constexpr std::int64_t log_ins_waiting_per_address_max = 3;
inline constexpr std::size_t known_addresses_max = 8;
inline constexpr std::size_t guarded_identifiers_max = 50'000;

// Sessions. The lifetimes are those that clients of the reference server expect.
inline constexpr std::int64_t access_token_s = 2 * 60 * 60;
inline constexpr std::int64_t refresh_token_s = 90LL * 24 * 60 * 60;
// Within this time after a rotation the old refresh token still gets the same successor, for
// clients whose answer was lost or that refresh twice at once.
inline constexpr std::int64_t refresh_grace_s = 60;
// Enough for every device of a person; the oldest session goes when one more is opened.
inline constexpr int sessions_per_account_max = 200;

// Access tokens that are remembered as good, about 1 KiB each. When a sixteenth is full it starts
// afresh.
inline constexpr std::size_t cached_sessions_max = 16'384;
// Accounts that are remembered by DID or handle, in the same way.
inline constexpr std::size_t cached_accounts_max = 8'192;

// Signing keys that are kept open, some 500 bytes each, in the same way.
inline constexpr std::size_t opened_keys_max = 16'384;

// Tokens sent by mail: 50 random bits, good for a quarter of an hour and five wrong tries.
inline constexpr std::int64_t email_token_s = 15 * 60;
inline constexpr int email_token_wrong_tries_max = 5;
// Letters to one account for one purpose: several at once for who is impatient, then one in twelve
// minutes, five an hour. That is less than a code lives: however many a stranger asks for, the
// owner's mailbox has one that is good.
inline constexpr std::int64_t letters_at_once_max = 5;
inline constexpr std::int64_t letter_interval_s = 12 * 60;
static_assert(letter_interval_s < email_token_s);

inline constexpr int app_passwords_per_account_max = 100;
inline constexpr std::size_t app_password_name_bytes_max = 256;

// One call of createInviteCodes; an administrator can call again.
inline constexpr std::int64_t invite_codes_per_call_max = 1'000;
inline constexpr std::int64_t invite_uses_max = 1'000'000;
// Codes that a user has earned and not yet used.
inline constexpr std::int64_t earned_invites_open_max = 5;

// The log of administrators' acts: some 50 MiB at most, years of a busy server's moderation. A DID
// with a record's path fits into the subject, a reference of a moderation service into the detail.
inline constexpr std::int64_t admin_acts_max = 100'000;
inline constexpr std::size_t admin_act_subject_bytes_max = 512;
inline constexpr std::size_t admin_act_detail_bytes_max = 512;

// A search through e-mail addresses looks at so many of them before it answers with what it has:
// a few milliseconds.
inline constexpr std::int64_t addresses_searched_max = 20'000;

// Reserved signing keys that wait for a sign-up: they are free to ask for, so only the newest are
// kept, and those that were taken meanwhile count among them.
inline constexpr int reserved_keys_max = 10'000;

// Sign-ups that one look at the table takes up again.
inline constexpr int pending_signups_batch = 100;

// Accounts that are due and deleted in one run of the job, a transaction each; the next run, a
// minute later, goes on.
inline constexpr int deletions_per_batch = 50;

// Answers of others: a DID document or what the PLC directory says is a few KiB, what a host says
// of a handle one line.
inline constexpr std::size_t did_document_bytes_max = 64 * 1024;
inline constexpr std::size_t plc_answer_bytes_max = 64 * 1024;
inline constexpr std::size_t handle_answer_bytes_max = 2 * 1024;
// A sign-up or an activation waits for the PLC directory that long: it is worth more patience than
// a look-up, as giving up leaves open what became of an operation.
inline constexpr int plc_timeout_ms = 10'000;

// DID documents that are remembered: typically 1 KiB, so some 8 MiB with what they are parsed into.
// One that is larger than the second bound is asked for each time.
inline constexpr std::size_t cached_did_documents_max = 4'096;
inline constexpr std::size_t cached_did_document_bytes_max = 8 * 1024;
// A look-up that failed is not repeated for so long: whoever asks meanwhile does not wait for a
// directory that is down.
inline constexpr std::int64_t did_retry_ms = 5'000;

// Repositories. The specification's bound for a record is that of a request; a commit's are in
// atproto/limits.h.
inline constexpr std::size_t record_bytes_max = 1'000'000;
// Tree nodes are written after so many commits, or operations in them; the first use after a start
// replays fewer, which takes some milliseconds.
inline constexpr int commits_between_nodes = 64;
inline constexpr int operations_between_nodes = 640;
// Repositories whose trees are kept in memory, and how much of each tree.
inline constexpr std::size_t warm_repos_max = 4'096;
inline constexpr std::size_t warm_tree_bytes_max = 256 * 1024;
// A write whose commit fails along with one that it was prepared on is made again so many times.
inline constexpr int write_attempts_max = 16;
// Writers that wait for their turn at one repository: a second's worth of them.
inline constexpr std::size_t writers_waiting_max = 1'024;
// After a restore: some hundred repositories a second, each with a commit of its own.
inline constexpr std::int64_t repos_told_at_once = 50;
inline constexpr std::int64_t repos_told_every_ms = 100;
// The newest event number is noted so often: a copy is not told from the original if it lacks less
// than that.
inline constexpr std::int64_t newest_event_noted_every_ms = 5'000;
// Blocks that a search looks at before others have their turn: about a millisecond.
inline constexpr int blocks_searched_per_turn = 500;
// An export ends after this, read or not: its snapshot holds up the emptying of the database's log.
// A repository of a million records takes seconds.
inline constexpr std::int64_t export_ms_max = 10 * 60 * 1'000;
// 20 KiB a layer; larger gains nothing.
inline constexpr std::int64_t nodes_read_ahead = 64;

// What one transaction removes of a repository that belongs to nobody, and the pause after it: some
// ten milliseconds for whoever writes meanwhile.
inline constexpr std::int64_t removed_rows_max = 1'000;
inline constexpr std::int64_t removed_bytes_max = 4 * 1024 * 1024;
inline constexpr std::int64_t removal_pause_ms = 20;

// Imports of repositories. The bytes of a file, unless PDS_MAX_REPO_IMPORT_SIZE says otherwise, and
// its blocks: ten times the largest repository known, and 24 bytes of memory a block.
inline constexpr std::int64_t import_bytes_max = 4LL * 1024 * 1024 * 1024;
inline constexpr std::uint64_t import_blocks_max = 4'000'000;
// At once: each has an index in memory and writes as fast as the database lets it.
inline constexpr std::size_t imports_max = 2;
inline constexpr int imports_busy_retry_s = 30;
// What is taken from the network before it is checked and written to the file.
inline constexpr std::size_t import_chunk_bytes = 256 * 1024;
// What one transaction stores, so that other writes do not wait long.
inline constexpr std::size_t import_piece_rows_max = 1'000;
inline constexpr std::size_t import_piece_bytes_max = 2 * 1024 * 1024;
// How far a revision may be ahead of the time: what the network's relays let pass. The number of
// one that is farther ahead means nothing to anybody.
inline constexpr std::int64_t rev_ahead_s_max = 5 * 60;

// The event stream. One message in its frame, as relays bound it.
inline constexpr std::size_t event_frame_bytes_max = 5'000'000;
// Recent frames, which all subscribers share: seconds of a busy server.
inline constexpr std::size_t stream_window_bytes_max = 8 * 1024 * 1024;
// How far a subscriber may be behind while its socket takes nothing, besides what the kernel holds
// for it; and how long it may take nothing before a count of events is held against it.
inline constexpr std::size_t stream_lag_bytes_max = 8 * 1024 * 1024;
inline constexpr std::int64_t stream_lag_grace_ms = 1'000;
// What is read from disk at once. A subscriber that catches up holds one page.
inline constexpr std::size_t stream_page_events_max = 256;
inline constexpr std::size_t stream_page_bytes_max = 128 * 1024;
inline constexpr std::size_t stream_cached_pages_max = 32;
// Each may hold a page and a socket's buffers. A network has a few dozen relays.
inline constexpr std::size_t stream_subscribers_max = 2'000;
inline constexpr int stream_full_retry_after_s = 30;
// Old events that one write deletes, so that others do not wait long, and the pause after it.
inline constexpr std::int64_t stream_prune_batch = 500;
inline constexpr std::int64_t stream_prune_pause_ms = 50;

// A relay is asked to crawl at most so often; one that fails, after so long, doubled each time up
// to a day: relays go away for good, too.
inline constexpr std::int64_t crawler_interval_ms = 20 * 60 * 1'000;
inline constexpr std::int64_t crawler_retry_ms = 60 * 1'000;
inline constexpr std::int64_t crawler_retry_ms_max = 24LL * 60 * 60 * 1'000;

}  // namespace roost::pds::limits
