#include "pds/repos/node_store.h"

#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds::node_store {

namespace {

using atproto::mst::NodePlace;
using atproto::mst::StoredNode;

// A tree that is not in step with the rows any more: its repository was written to meanwhile.
Error missing(const NodePlace& place) {
    return Error::invalid("The node " + place.cid.text() + " is not stored", "MissingBlock");
}

StoredNode read_node(const db::Rows& row, int stamp_column) {
    const ByteView bytes = row.bytes(stamp_column + 1);
    return {Bytes(bytes.begin(), bytes.end()),
            static_cast<std::uint64_t>(row.integer(stamp_column))};
}

}  // namespace

Result<StoredNode> Nodes::load(const NodePlace& place) {
    if (place.layer == atproto::mst::unknown_layer) {
        // A root: nothing is above it.
        db::Rows row = t_.select(
            "SELECT stamp, node FROM repo_node WHERE repo_id = $1 ORDER BY layer DESC LIMIT 1",
            repo_.value);
        if (!row.next()) return missing(place);
        return read_node(row, 0);
    }
    db::Rows row = t_.select(
        "SELECT stamp, node FROM repo_node WHERE repo_id = $1 AND layer = $2 AND left_key = $3",
        repo_.value, place.layer, place.left);
    if (!row.next()) return missing(place);
    return read_node(row, 0);
}

Result<StoredNode> NodesInOrder::load(const NodePlace& place) {
    if (place.layer == atproto::mst::unknown_layer) return Nodes(t_, repo_).load(place);
    const auto layer = static_cast<std::size_t>(place.layer);
    if (layers_.size() <= layer) layers_.resize(layer + 1);
    std::deque<Row>& rows = layers_[layer];
    while (!rows.empty() && rows.front().left < place.left)
        rows.pop_front();
    if (rows.empty() || rows.front().left != place.left) read_ahead(rows, place);
    if (rows.empty() || rows.front().left != place.left) return missing(place);
    StoredNode node = std::move(rows.front().node);
    rows.pop_front();
    return node;
}

void NodesInOrder::read_ahead(std::deque<Row>& rows, const NodePlace& place) {
    rows.clear();
    db::Rows found = t_.select(
        "SELECT left_key, stamp, node FROM repo_node "
        "WHERE repo_id = $1 AND layer = $2 AND left_key >= $3 ORDER BY left_key LIMIT $4",
        repo_.value, place.layer, place.left, limits::nodes_read_ahead);
    while (found.next())
        rows.push_back({std::string(found.text(0)), read_node(found, 1)});
}

void put(db::Transaction& t, RepoId repo, int layer, std::string_view left, std::uint64_t stamp,
         ByteView node) {
    t.execute(
        "INSERT INTO repo_node (repo_id, layer, left_key, stamp, node) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO UPDATE SET stamp = excluded.stamp, node = excluded.node",
        repo.value, layer, left, stamp, node);
}

void write(db::Transaction& t, RepoId repo, std::span<const atproto::mst::Edit::Place> left_places,
           std::span<const atproto::mst::NewNode> new_nodes) {
    for (const atproto::mst::Edit::Place& place : left_places)
        t.execute("DELETE FROM repo_node WHERE repo_id = $1 AND layer = $2 AND left_key = $3",
                  repo.value, place.layer, place.left);
    for (const atproto::mst::NewNode& node : new_nodes)
        put(t, repo, node.place.layer, node.place.left, node.stamp, node.bytes);
}

void erase_all(db::Transaction& t, RepoId repo) {
    t.execute("DELETE FROM repo_node WHERE repo_id = $1", repo.value);
}

bool erase_some(db::Transaction& t, RepoId repo) {
    return t.execute(
               "DELETE FROM repo_node WHERE repo_id = $1 AND (layer, left_key) IN "
               "(SELECT layer, left_key FROM repo_node WHERE repo_id = $1 LIMIT $2)",
               repo.value, limits::removed_rows_max) > 0;
}

}  // namespace roost::pds::node_store
