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
        Result<atproto::Did> did = atproto::Did::parse(rows.text(1));
        Result<atproto::Tid> rev = atproto::Tid::parse(rows.text(4));
        Result<atproto::Cid> cid = atproto::Cid::from_binary(rows.bytes(5));
        check(did.has_value() && rev.has_value() && cid.has_value(), "a stored head is valid");
        const AccountStatus status = !rows.is_null(2)   ? AccountStatus::takendown
                                     : !rows.is_null(3) ? AccountStatus::deactivated
                                                        : AccountStatus::active;
        found.push_back({rows.integer(0), *std::move(did), status, *std::move(rev), *cid});
    }
    return found;
}

}  // namespace

void insert(db::Transaction& t, std::int64_t account_id, const atproto::NewRepo& repo) {
    check(!repo.blocks.empty() && repo.blocks.front().cid == repo.commit,
          "a new repository's first block is its commit");
    const auto cid = repo.commit.binary();
    t.execute(
        "INSERT INTO repo (account_id, rev, commit_cid, commit_block) VALUES ($1, $2, $3, $4)",
        account_id, repo.rev.text(), ByteView(cid), repo.blocks.front().bytes);
}

std::optional<Head> find_head(db::Transaction& t, std::int64_t account_id) {
    db::Rows row = t.select("SELECT rev, commit_cid, commit_block FROM repo WHERE account_id = $1",
                            account_id);
    if (!row.next()) return std::nullopt;
    return read_head(row);
}

std::optional<StoredRepo> find(db::Transaction& t, std::int64_t account_id) {
    db::Rows row = t.select(
        "SELECT rev, commit_cid, commit_block, nodes_seq, nodes_root, record_count "
        "FROM repo WHERE account_id = $1",
        account_id);
    if (!row.next()) return std::nullopt;
    StoredRepo repo{read_head(row), row.integer(3), std::nullopt, row.integer(5)};
    if (!row.is_null(4)) {
        const Result<atproto::Cid> root = atproto::Cid::from_binary(row.bytes(4));
        check(root.has_value(), "a stored root is valid");
        repo.nodes_root = *root;
    }
    return repo;
}

std::vector<Listed> list(db::Transaction& t, std::int64_t after, std::int64_t limit) {
    return read_list(
        t.select("SELECT id, did, takedown_ref, deactivated_at, rev, commit_cid "
                 "FROM account JOIN repo ON account_id = id WHERE id > $1 ORDER BY id LIMIT $2",
                 after, limit));
}

std::vector<Listed> list_by_collection(db::Transaction& t, std::string_view collection,
                                       std::int64_t after, std::int64_t limit) {
    return read_list(
        t.select("SELECT id, did, takedown_ref, deactivated_at, rev, commit_cid "
                 "FROM repo_collection c JOIN account ON id = c.account_id "
                 "JOIN repo ON repo.account_id = c.account_id "
                 "WHERE collection = $1 AND c.account_id > $2 AND takedown_ref IS NULL "
                 "AND deactivated_at IS NULL ORDER BY c.account_id LIMIT $3",
                 collection, after, limit));
}

std::int64_t count(db::Transaction& t) {
    db::Rows row = t.select("SELECT count(*) FROM repo");
    check(row.next(), "a count has a row");
    return row.integer(0);
}

bool advance(db::Transaction& t, std::int64_t account_id, const atproto::Tid& from, const Head& to,
             std::int64_t record_count) {
    const auto cid = to.commit_cid.binary();
    return t.execute(
               "UPDATE repo SET rev = $3, commit_cid = $4, commit_block = $5, record_count = $6 "
               "WHERE account_id = $1 AND rev = $2",
               account_id, from.text(), to.rev.text(), ByteView(cid), to.commit_block,
               record_count) == 1;
}

void set_nodes(db::Transaction& t, std::int64_t account_id, std::int64_t seq,
               const atproto::Cid& root) {
    const auto cid = root.binary();
    t.execute("UPDATE repo SET nodes_seq = $2, nodes_root = $3 WHERE account_id = $1", account_id,
              seq, ByteView(cid));
}

}  // namespace roost::pds::repo_store
