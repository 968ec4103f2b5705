// The rows of the nodes of repositories' trees: all SQL about them. Functions run inside the
// caller's transaction. See migrations/sqlite/0004_repos.sql for what stands in the rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/mst/edit.h"
#include "atproto/mst/node_source.h"
#include "atproto/mst/tree.h"
#include "db/transaction.h"
#include "pds/repo_id.h"

namespace roost::pds::node_store {

// One node a load: for paths through a tree. Belongs to the transaction.
class Nodes : public atproto::mst::NodeSource {
  public:
    Nodes(db::Transaction& t, RepoId repo) : t_(t), repo_(repo) {}
    Result<atproto::mst::StoredNode> load(const atproto::mst::NodePlace& place) override;
    atproto::mst::KeysOf keys() const override { return atproto::mst::KeysOf::this_house; }

  private:
    db::Transaction& t_;
    RepoId repo_;
    Bytes node_;
};

// For a walk through a whole tree from left to right: reads ahead in each layer, a few dozen nodes
// at a time. Loads in any order are right, only slower. Belongs to the transaction.
class NodesInOrder : public atproto::mst::NodeSource {
  public:
    NodesInOrder(db::Transaction& t, RepoId repo) : t_(t), repo_(repo), root_(t, repo) {}
    Result<atproto::mst::StoredNode> load(const atproto::mst::NodePlace& place) override;
    atproto::mst::KeysOf keys() const override { return atproto::mst::KeysOf::this_house; }

  private:
    // What was read ahead of a layer: in `bytes`, the left key of each row and then its node.
    struct Row {
        std::size_t left_begin;
        std::size_t node_begin;
        std::size_t node_end;
        std::uint64_t stamp;
    };
    struct Layer {
        Bytes bytes;
        std::vector<Row> rows;
        std::size_t next = 0;

        bool is_used_up() const { return next == rows.size(); }
        std::string_view left() const;
        atproto::mst::StoredNode take();
    };
    void read_ahead(Layer& layer, const atproto::mst::NodePlace& place);

    db::Transaction& t_;
    RepoId repo_;
    Nodes root_;
    std::vector<Layer> layers_;
};

// A node takes its place, from one that stood there if need be.
void put(db::Transaction& t, RepoId repo, int layer, std::string_view left, std::uint64_t stamp,
         ByteView node);
// Brings the rows up to date: what left its place goes, then new nodes take theirs.
void write(db::Transaction& t, RepoId repo, std::span<const atproto::mst::Edit::Place> left_places,
           std::span<const atproto::mst::NewNode> new_nodes);
void erase_all(db::Transaction& t, RepoId repo);
// Removes some rows of a repository that belongs to nobody. False: there were none.
bool erase_some(db::Transaction& t, RepoId repo);

}  // namespace roost::pds::node_store
