#include "pds/repos/repo_store.h"

#include "base/check.h"

namespace roost::pds::repo_store {

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
    Result<atproto::Tid> rev = atproto::Tid::parse(row.text(0));
    Result<atproto::Cid> cid = atproto::Cid::from_binary(row.bytes(1));
    check(rev.has_value() && cid.has_value(), "a stored head is valid");
    const ByteView block = row.bytes(2);
    return Head{*std::move(rev), *cid, Bytes(block.begin(), block.end())};
}

}  // namespace roost::pds::repo_store
