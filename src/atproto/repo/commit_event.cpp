#include "atproto/repo/commit_event.h"

#include <algorithm>
#include <ranges>
#include <unordered_set>

#include "atproto/limits.h"
#include "atproto/repo/car.h"

namespace roost::atproto {

namespace {

Error invalid(std::string message) {
    return Error::invalid(std::move(message), "InvalidCommitEvent");
}

Result<Blocks> read_blocks(const CommitEvent& event) {
    CarReader reader(
        {.bytes_max = limits::commit_blocks_bytes_max, .blocks_max = limits::commit_blocks_max});
    TRY(reader.feed(event.blocks));
    Blocks blocks;
    while (std::optional<Block> block = TRY(reader.next()))
        blocks.push_back(*std::move(block));
    TRY(reader.finish());
    if (reader.roots().front() != event.commit)
        return invalid("the first root of the blocks is not the commit");
    return blocks;
}

// The records that the operations left behind; of two operations on one path the later counts.
Result<void> check_records(std::span<const Operation> operations, const mst::BlockSource& blocks) {
    std::unordered_set<std::string_view> paths;
    for (const Operation& operation : std::views::reverse(operations)) {
        const bool is_last = paths.insert(operation.path).second;
        if (is_last && operation.cid && !blocks.find(*operation.cid))
            return invalid("the record is missing: " + operation.path);
    }
    return {};
}

}  // namespace

Result<Blocks> commit_event_blocks(const Block& commit, const mst::Tree& after, std::uint64_t since,
                                   mst::NodeSource& source, std::span<const Operation> operations,
                                   Blocks records) {
    std::vector<std::string_view> keys;
    keys.reserve(operations.size());
    for (const Operation& operation : operations)
        keys.push_back(operation.path);
    Blocks nodes = TRY(after.covering_proof(source, keys, since));

    Blocks blocks;
    blocks.reserve(1 + nodes.size() + records.size());
    blocks.push_back(commit);
    std::ranges::move(nodes, std::back_inserter(blocks));
    std::unordered_set<Cid> seen;
    for (Block& record : records)
        if (seen.insert(record.cid).second) blocks.push_back(std::move(record));
    return blocks;
}

Result<Commit> verify_commit_event(const CommitEvent& event, const PublicKey* key) {
    if (event.operations.size() > limits::commit_operations_max)
        return invalid("the event has too many operations");
    const Blocks blocks = TRY(read_blocks(event));
    mst::BlockSource source(blocks);
    const Block* const commit_block = source.find(event.commit);
    if (!commit_block) return invalid("the commit is missing");
    Commit commit = TRY(parse_commit(commit_block->bytes));
    if (commit.did != event.repo) return invalid("the commit is of another repository");
    if (commit.rev != event.rev) return invalid("the commit has another rev");
    if (key && !verify_commit(commit, *key)) return invalid("the commit's signature is wrong");

    TRY(check_records(event.operations, source));
    const Cid before = TRY(invert(mst::Tree(commit.data), source, event.operations));
    if (before != event.prev_data.value_or(mst::Tree().root()))
        return invalid("undoing the operations does not lead to prevData");
    return commit;
}

}  // namespace roost::atproto
