#include "pds/repos/repo_store.h"

#include "base/check.h"

namespace roost::pds::repo_store {

namespace {

Head read_head(const db::Rows& row) {
    Result<atproto::Tid> rev = atproto::Tid::parse(row.text(0));
    Result<atproto::Cid> cid = atproto::Cid::from_binary(row.bytes(1));
    check(rev.has_value() && cid.has_value(), "a stored head is valid");
    const ByteView block = row.bytes(2);
    return {*std::move(rev), *cid, Bytes(block.begin(), block.end())};
}

std::vector<Listed> read_list(db::Rows rows) {
    std::vector<Listed> found;
    while (rows.next()) {
        Result<atproto::Did> did = atproto::Did::parse(rows.text(2));
        Result<atproto::Tid> rev = atproto::Tid::parse(rows.text(5));
        Result<atproto::Cid> cid = atproto::Cid::from_binary(rows.bytes(6));
        check(did.has_value() && rev.has_value() && cid.has_value(), "a stored head is valid");
        const AccountStatus status = !rows.is_null(3)   ? AccountStatus::takendown
                                     : !rows.is_null(4) ? AccountStatus::deactivated
                                                        : AccountStatus::active;
        found.push_back({RepoId{rows.integer(0)}, rows.integer(1), *std::move(did), status,
                         *std::move(rev), *cid});
    }
    return found;
}

}  // namespace

RepoId insert(db::Transaction& t, std::int64_t account_id, const atproto::NewRepo& repo) {
    check(!repo.blocks.empty() && repo.blocks.front().cid == repo.commit,
          "a new repository's first block is its commit");
    const auto cid = repo.commit.binary();
    // Events of an earlier account with this DID are none of its own.
    db::Rows row = t.select(
        "INSERT INTO repo (account_id, rev, commit_cid, commit_block, nodes_seq, record_count) "
        "VALUES ($1, $2, $3, $4, (SELECT coalesce(max(seq), 0) FROM event), 0) RETURNING id",
        account_id, repo.rev.text(), ByteView(cid), repo.blocks.front().bytes);
    check(row.next(), "an INSERT returns its row");
    return {row.integer(0)};
}

Result<OwnedRepo> of_account(db::Transaction& t, const Account& account) {
    db::Rows row = t.select("SELECT id FROM repo WHERE account_id = $1", account.id);
    if (!row.next())
        return Error::invalid("Could not find repo: " + account.did.text(), "RepoNotFound");
    return OwnedRepo{{row.integer(0)}, account.id};
}

std::optional<Head> find_head(db::Transaction& t, std::int64_t account_id) {
    db::Rows row = t.select("SELECT rev, commit_cid, commit_block FROM repo WHERE account_id = $1",
                            account_id);
    if (!row.next()) return std::nullopt;
    return read_head(row);
}

std::optional<StoredRepo> find(db::Transaction& t, std::int64_t account_id) {
    db::Rows row = t.select(
        "SELECT rev, commit_cid, commit_block, nodes_seq, nodes_root, record_count, id "
        "FROM repo WHERE account_id = $1",
        account_id);
    if (!row.next()) return std::nullopt;
    StoredRepo repo{{row.integer(6)}, read_head(row), row.integer(3), std::nullopt, row.integer(5)};
    if (!row.is_null(4)) {
        const Result<atproto::Cid> root = atproto::Cid::from_binary(row.bytes(4));
        check(root.has_value(), "a stored root is valid");
        repo.nodes_root = *root;
    }
    return repo;
}

std::vector<Listed> list(db::Transaction& t, std::int64_t after, std::int64_t limit) {
    return read_list(
        t.select("SELECT repo.id, account.id, did, takedown_ref, deactivated_at, rev, commit_cid "
                 "FROM account JOIN repo ON account_id = account.id WHERE account.id > $1 "
                 "ORDER BY account.id LIMIT $2",
                 after, limit));
}

std::vector<Listed> list_by_collection(db::Transaction& t, std::string_view collection,
                                       RepoId after, std::int64_t limit) {
    return read_list(
        t.select("SELECT repo.id, account.id, did, takedown_ref, deactivated_at, rev, commit_cid "
                 "FROM repo_collection c JOIN repo ON repo.id = c.repo_id "
                 "JOIN account ON account.id = repo.account_id "
                 "WHERE collection = $1 AND c.repo_id > $2 AND takedown_ref IS NULL "
                 "AND deactivated_at IS NULL ORDER BY c.repo_id LIMIT $3",
                 collection, after.value, limit));
}

std::int64_t count(db::Transaction& t) {
    db::Rows row = t.select("SELECT count(*) FROM repo WHERE account_id IS NOT NULL");
    check(row.next(), "a count has a row");
    return row.integer(0);
}

bool advance(db::Transaction& t, RepoId repo, const atproto::Tid& from, const Head& to,
             std::int64_t record_count) {
    const auto cid = to.commit_cid.binary();
    return t.execute(
               "UPDATE repo SET rev = $3, commit_cid = $4, commit_block = $5, record_count = $6 "
               "WHERE id = $1 AND rev = $2 AND account_id IS NOT NULL",
               repo.value, from.text(), to.rev.text(), ByteView(cid), to.commit_block,
               record_count) == 1;
}

std::optional<std::int64_t> advance_with_event(db::Transaction& t, RepoId repo,
                                               const atproto::Tid& from, const Head& to,
                                               std::int64_t record_count, std::int64_t seq) {
    std::int64_t previous = 0;
    {
        db::Rows row = t.select(
            "SELECT commit_seq FROM repo WHERE id = $1 AND rev = $2 AND account_id IS NOT NULL",
            repo.value, from.text());
        if (!row.next()) return std::nullopt;
        previous = row.integer(0);
    }
    const auto cid = to.commit_cid.binary();
    t.execute(
        "UPDATE repo SET rev = $2, commit_cid = $3, commit_block = $4, record_count = $5, "
        "commit_seq = $6 WHERE id = $1",
        repo.value, to.rev.text(), ByteView(cid), to.commit_block, record_count, seq);
    return previous;
}

event_log::CommitRange unwritten(db::Transaction& t, RepoId repo) {
    db::Rows row = t.select("SELECT nodes_seq, commit_seq FROM repo WHERE id = $1", repo.value);
    check(row.next(), "what is asked about a repository is asked while it has a row");
    return {row.integer(0), row.integer(1)};
}

void set_nodes(db::Transaction& t, RepoId repo, std::int64_t seq, const atproto::Cid& root) {
    const auto cid = root.binary();
    t.execute("UPDATE repo SET nodes_seq = $2, nodes_root = $3 WHERE id = $1", repo.value, seq,
              ByteView(cid));
}

RepoId begin_import(db::Transaction& t, const Head& head) {
    const auto cid = head.commit_cid.binary();
    db::Rows row = t.select(
        "INSERT INTO repo (rev, commit_cid, commit_block, nodes_seq, record_count) "
        "VALUES ($1, $2, $3, 0, 0) RETURNING id",
        head.rev.text(), ByteView(cid), head.commit_block);
    check(row.next(), "an INSERT returns its row");
    return {row.integer(0)};
}

bool replace(db::Transaction& t, OwnedRepo from, const Head& from_head, RepoId to,
             const Head& to_head, std::int64_t record_count) {
    const auto from_cid = from_head.commit_cid.binary();
    if (t.execute("UPDATE repo SET account_id = NULL "
                  "WHERE id = $1 AND account_id = $2 AND commit_cid = $3",
                  from.id.value, from.account_id, ByteView(from_cid)) == 0)
        return false;
    const auto to_cid = to_head.commit_cid.binary();
    const std::int64_t given = t.execute(
        "UPDATE repo SET account_id = $1, rev = $2, commit_cid = $3, commit_block = $4, "
        "record_count = $5 WHERE id = $6 AND account_id IS NULL",
        from.account_id, to_head.rev.text(), ByteView(to_cid), to_head.commit_block, record_count,
        to.value);
    check(given == 1, "an import's rows stay until it ends");
    return true;
}

bool is_open(db::Transaction& t, std::int64_t account_id) {
    db::Rows row = t.select(
        "SELECT 1 FROM account WHERE id = $1 AND takedown_ref IS NULL AND deactivated_at IS NULL",
        account_id);
    return row.next();
}

std::optional<RepoId> next_ownerless(db::Transaction& t, RepoId after) {
    db::Rows row =
        t.select("SELECT id FROM repo WHERE account_id IS NULL AND id > $1 ORDER BY id LIMIT 1",
                 after.value);
    if (!row.next()) return std::nullopt;
    return RepoId{row.integer(0)};
}

void erase_ownerless(db::Transaction& t, RepoId repo) {
    t.execute("DELETE FROM repo WHERE id = $1 AND account_id IS NULL", repo.value);
}

}  // namespace roost::pds::repo_store
