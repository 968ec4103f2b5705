#include "pds/repos/repo_imports.h"

#include <algorithm>
#include <optional>
#include <string>

#include "atproto/repo/car_blocks.h"
#include "atproto/repo/commit.h"
#include "base/log.h"
#include "net/inflate.h"
#include "pds/blobs/blob_store.h"
#include "pds/limits.h"
#include "pds/repos/import_file.h"
#include "pds/repos/import_reader.h"
#include "pds/repos/import_source.h"
#include "pds/repos/node_store.h"
#include "pds/repos/record_store.h"
#include "pds/sync/event_log.h"

namespace roost::pds {

namespace {

// The lexicon knows one name for whatever is wrong with the file.
Error of_file(Error error) {
    if (error.fault == Fault::invalid) error.name = "InvalidRequest";
    return error;
}

// Neither a write that was on its way nor a reader may go on from what was before; also if the task
// ends before it knows what came of the switch.
class Forgetting {
  public:
    Forgetting(Repos& repos, std::int64_t account_id) : repos_(repos), account_id_(account_id) {}
    Forgetting(const Forgetting&) = delete;
    Forgetting& operator=(const Forgetting&) = delete;
    ~Forgetting() { repos_.forget(account_id_); }

  private:
    Repos& repos_;
    std::int64_t account_id_;
};

void store_piece(db::Transaction& t, RepoId repo, std::uint64_t rev, const ImportPiece& piece) {
    for (const ImportPiece::Node& node : piece.nodes)
        node_store::put(t, repo, node.layer, node.left, rev, node.bytes);
    for (const ImportPiece::Record& record : piece.records) {
        record_store::put(t, repo, record.key, record.cid, rev, record.value);
        if (record.subject)
            record_store::add_subject(t, repo, record.key.substr(0, record.key.find('/')),
                                      *record.subject, record.key);
        blob_store::add_imported_references(t, repo, record.key, rev, record.blobs);
    }
}

}  // namespace

// A place among the imports at once.
class RepoImports::Slot {
  public:
    Slot(RepoImports& owner, std::int64_t account_id) : owner_(owner), account_id_(account_id) {}
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() {
        const std::lock_guard lock(owner_.mutex_);
        owner_.importing_.erase(account_id_);
    }

  private:
    RepoImports& owner_;
    std::int64_t account_id_;
};

// The file, as far as it has come; a worker may hold it longer than its task.
struct RepoImports::Arrival {
    std::string chunk;
    std::unique_ptr<ImportFile> file;
    std::optional<atproto::CarBlocks> blocks;
    std::optional<ImportSource> source;
    std::optional<ImportReader> reader;
};

// A large file takes a while to close, so that happens off the loop's thread.
class RepoImports::Held {
  public:
    explicit Held(FilePool& pool) : arrival(std::make_shared<Arrival>()), pool_(pool) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() {
        pool_.post([last = std::move(arrival)] {});
    }
    std::shared_ptr<Arrival> arrival;

  private:
    FilePool& pool_;
};

Result<std::unique_ptr<RepoImports::Slot>> RepoImports::begin(std::int64_t account_id) {
    const std::lock_guard lock(mutex_);
    if (importing_.contains(account_id))
        return Error::unavailable("A repository is being imported to this account already",
                                  limits::imports_busy_retry_s);
    if (importing_.size() >= limits::imports_max)
        return Error::unavailable("Too many repositories are being imported at once",
                                  limits::imports_busy_retry_s);
    auto slot = std::make_unique<Slot>(*this, account_id);
    importing_.insert(account_id);
    return slot;
}

Task<Result<void>> RepoImports::run(Account account, net::Body& body) {
    if (options_.imports == Imports::refused)
        co_return Error::invalid("Service is not accepting repo imports");
    const auto bytes_max = static_cast<std::uint64_t>(options_.bytes_max);
    if (body.declared_size().value_or(0) > bytes_max) co_return net::body_too_large(bytes_max);
    const std::unique_ptr<Slot> slot = CO_TRY(begin(account.id));
    std::optional<repo_store::StoredRepo> from = CO_TRY(
        co_await db_.read([&](db::Transaction& t) -> Result<std::optional<repo_store::StoredRepo>> {
            return repo_store::find(t, account.id);
        }));
    if (!from)
        co_return Error::invalid("Could not find repo: " + account.did.text(), "RepoNotFound");

    const Held held(pool_);
    CO_TRY(co_await receive(held.arrival, body));
    const Result<void> opened = co_await pool_.run(
        [arrival = held.arrival, account, bytes_max, &db = db_]() -> Result<void> {
            arrival->source.emplace(*arrival->blocks,
                                    ImportSource::Present{.database = db, .account = account});
            arrival->reader = TRY(ImportReader::open(*arrival->source, account.did, bytes_max));
            return {};
        });
    if (!opened.has_value()) co_return of_file(opened.error());
    co_return co_await take_over(account, held.arrival, *std::move(from));
}

// A piece at a time: the next one is read when a worker has checked and written the one before.
Task<Result<void>> RepoImports::receive(std::shared_ptr<Arrival> arrival, net::Body& body) {
    const auto expected = static_cast<std::int64_t>(body.declared_size().value_or(0));
    const atproto::CarBounds bounds{.bytes_max = static_cast<std::uint64_t>(options_.bytes_max),
                                    .blocks_max = limits::import_blocks_max};
    bool is_last = false;
    while (!is_last) {
        const std::string_view got = CO_TRY(co_await body.read_some());
        is_last = got.empty();
        arrival->chunk.append(got);
        if (!is_last && arrival->chunk.size() < limits::import_chunk_bytes) continue;
        const Result<void> done =
            co_await pool_.run([arrival, is_last, expected, bounds, folder = options_.folder,
                                free_min = options_.free_bytes_min]() -> Result<void> {
                if (!arrival->file) {
                    arrival->file = TRY(ImportFile::create(folder, free_min, expected));
                    arrival->blocks.emplace(*arrival->file, bounds);
                }
                TRY(arrival->file->append(as_bytes(arrival->chunk)));
                TRY(arrival->blocks->feed(as_bytes(arrival->chunk)));
                arrival->chunk.clear();
                if (is_last) TRY(arrival->blocks->finish());
                return {};
            });
        if (!done.has_value()) co_return of_file(done.error());
    }
    co_return Result<void>();
}

// All of the tree. Returns the number of records.
Task<Result<std::int64_t>> RepoImports::store(std::shared_ptr<Arrival> arrival, RepoId repo,
                                              std::uint64_t rev) {
    while (true) {
        Result<ImportPiece> piece =
            co_await pool_.run([arrival] { return arrival->reader->next(); });
        if (!piece.has_value()) co_return of_file(piece.error());
        if (piece->is_empty()) co_return arrival->reader->record_count();
        const auto shared = std::make_shared<const ImportPiece>(*std::move(piece));
        CO_TRY(co_await db_.write([repo, rev, shared](db::Transaction& t) -> Result<void> {
            store_piece(t, repo, rev, *shared);
            return {};
        }));
    }
}

Task<Result<void>> RepoImports::take_over(const Account& account, std::shared_ptr<Arrival> arrival,
                                          repo_store::StoredRepo from) {
    const ImportReader& reader = *arrival->reader;
    const Timestamp time = now();
    // Nobody has seen a revision that is far ahead of the time.
    std::uint64_t floor = from.head.rev.number();
    const std::uint64_t brought = reader.commit().rev.number();
    if (brought <= atproto::Tid::from(time.plus_s(limits::rev_ahead_s_max), 0).number())
        floor = std::max(floor, brought);
    const atproto::Tid rev = clock_.after(time, floor);

    RepoRemoval::Guard guard(removal_);
    const repo_store::Head brought_head{reader.commit().rev, reader.commit_cid(),
                                        reader.commit_block()};
    const RepoId to =
        CO_TRY(co_await db_.write([brought_head](db::Transaction& t) -> Result<RepoId> {
            return repo_store::begin_import(t, brought_head);
        }));
    guard.keep(to);
    const std::int64_t count = CO_TRY(co_await store(arrival, to, rev.number()));

    const atproto::PrivateKey key =
        CO_TRY(co_await db_.read([&](db::Transaction& t) { return find_key_(t, account.id); }));
    const atproto::Cid data = reader.commit().data;
    atproto::Block commit = atproto::signed_commit_block(account.did, data, rev, key);
    const auto change =
        std::make_shared<const Switch>(Switch{.account = account,
                                              .from = std::move(from),
                                              .to = to,
                                              .head = {rev, commit.cid, std::move(commit.bytes)},
                                              .data = data,
                                              .record_count = count});
    const Forgetting forgetting(repos_, account.id);
    CO_TRY(co_await db_.write(
        [change](db::Transaction& t) -> Result<void> { return switch_over(t, *change, now()); }));
    log::info("imported a repository", {{"did", account.did.text()}, {"records", count}});
    co_return Result<void>();
}

Result<void> RepoImports::switch_over(db::Transaction& t, const Switch& change, Timestamp now) {
    const OwnedRepo from{change.from.id, change.account.id};
    if (!repo_store::replace(t, from, change.from.head, change.to, change.head,
                             change.record_count))
        return Error::invalid(
            "The repository was written to while it was being imported, and stays as it was then; "
            "please import again",
            "InvalidSwap");
    record_store::carry_takedowns(t, change.from.id, change.to);
    blob_store::settle_references(t, {change.to, change.account.id}, now);
    // A repository that nobody may see yet is told of when its account is activated.
    if (repo_store::is_open(t, change.account.id))
        event_log::append_sync(t, change.account.did, change.head.rev, change.head.commit_cid,
                               change.head.commit_block, now);
    // What came before is not to be replayed, and the tree is stored as it is.
    const std::int64_t seq = event_log::newest(t);
    repo_store::set_nodes(t, change.to, seq, change.data);
    event_log::forget_replayed(t, repo_store::unwritten(t, change.from.id));
    return {};
}

}  // namespace roost::pds
