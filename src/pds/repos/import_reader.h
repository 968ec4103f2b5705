// Reads a repository out of a CAR file that came from anywhere, and lets nothing through that this
// server would have to be afraid of: the commit is one of this account, the tree is whole, each of
// its nodes stands where it must, and each record can be stored and shown. What it reads from is in
// import_source.h. Used by one thread at a time.
//
// What is not asked: the commit's signature, as whoever imports is the account's owner by other
// proof, and the account's own key signs a new commit over the same tree; and whether records obey
// their lexicons, as a repository must be able to move with what it holds. Blocks that the tree
// does not need are left out.
//
// Errors: Fault::invalid, which say what is wrong and where; Fault::payload_too_large; those of the
// content.
// https://atproto.com/specs/repository, https://atproto.com/guides/account-migration
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/mst/cursor.h"
#include "atproto/repo/commit.h"
#include "atproto/syntax/syntax.h"
#include "base/bytes.h"
#include "base/result.h"
#include "pds/repos/import_source.h"

namespace roost::pds {

// Neighbouring parts of the repository, ready to be stored.
struct ImportPiece {
    struct Node {
        int layer;
        std::string left;  // see atproto/mst/node_source.h
        Bytes bytes;
    };
    struct Record {
        std::string key;  // "collection/rkey"
        atproto::Cid cid;
        Bytes value;
        std::vector<atproto::Cid> blobs;
        std::optional<std::string> subject;  // see subject_of()
    };
    std::vector<Node> nodes;
    std::vector<Record> records;

    bool is_empty() const { return nodes.empty() && records.empty(); }
};

class ImportReader {
  public:
    // The source must outlive the reader. Records may take record_bytes_max in all: many keys may
    // name one block, and each gets a copy.
    static Result<ImportReader> open(ImportSource& source, const atproto::Did& did,
                                     std::uint64_t record_bytes_max);

    const atproto::Commit& commit() const { return commit_; }
    const atproto::Cid& commit_cid() const { return commit_cid_; }
    const Bytes& commit_block() const { return commit_block_; }

    // The next piece, of about limits::import_piece_rows_max rows; an empty one at the end.
    Result<ImportPiece> next();
    std::int64_t record_count() const { return record_count_; }  // until here

  private:
    ImportReader(ImportSource& source, atproto::Commit commit, atproto::Cid commit_cid,
                 Bytes commit_block, std::uint64_t record_bytes_left)
        : source_(&source),
          commit_(std::move(commit)),
          commit_cid_(commit_cid),
          commit_block_(std::move(commit_block)),
          walk_(atproto::mst::Tree(commit_.data)),
          record_bytes_left_(record_bytes_left) {}
    Result<ImportPiece::Record> read_record(std::string_view key, const atproto::Cid& cid);

    ImportSource* source_;
    atproto::Commit commit_;
    atproto::Cid commit_cid_;
    Bytes commit_block_;
    atproto::mst::PreorderWalk walk_;
    std::uint64_t record_bytes_left_;
    std::int64_t record_count_ = 0;
};

}  // namespace roost::pds
