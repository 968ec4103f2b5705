// The blocks of a repository on its way in: those of its CAR file and, where that has not all,
// those of the repository that the account has. So a file may hold only what changed since, as
// getRepo with `since` gives it.
//
// What is asked for goes through the tree from left to right, as atproto::mst::PreorderWalk does:
// the account's repository is walked along with it, once. It is opened when the file lacks a block
// for the first time, and seen as it was then; whoever imports makes sure that it has not changed.
// Nothing of it is kept in memory but the path. Used by one thread at a time.
//
// Errors: Fault::invalid "MissingBlock", if neither has a block; those of the file, of load_tree()
// and of Database::open_snapshot().
// https://atproto.com/guides/account-migration
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "atproto/data/cid.h"
#include "atproto/mst/node_source.h"
#include "atproto/repo/car_blocks.h"
#include "base/bytes.h"
#include "base/result.h"
#include "db/database.h"
#include "pds/account.h"

namespace roost::pds {

class ImportSource final : public atproto::mst::NodeSource {
  public:
    struct Present {
        db::Database& database;
        Account account;
    };
    // All blocks of the file have come. The file and the database outlive this. Without what is
    // present the file must have all.
    explicit ImportSource(atproto::CarBlocks& file, std::optional<Present> present = std::nullopt);
    ~ImportSource() override;
    ImportSource(const ImportSource&) = delete;
    ImportSource& operator=(const ImportSource&) = delete;

    atproto::CarBlocks& file() { return file_; }
    Result<atproto::mst::StoredNode> load(const atproto::mst::NodePlace& place) override;
    Result<Bytes> record(std::string_view key, const atproto::Cid& cid);

  private:
    class Stored;
    // Null: there is none.
    Result<Stored*> stored();

    atproto::CarBlocks& file_;
    const std::optional<Present> present_;
    std::unique_ptr<Stored> stored_;
};

}  // namespace roost::pds
