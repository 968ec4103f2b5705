#include "atproto/repo/record_proof.h"

#include <string>
#include <utility>

#include "atproto/mst/tree.h"
#include "atproto/repo/commit.h"

namespace roost::atproto {

namespace {

Error invalid(std::string message) {
    return Error::invalid(std::move(message), "InvalidProof");
}

Result<Blocks> read_blocks(CarReader& reader, ByteView car) {
    Blocks blocks;
    TRY(reader.feed(car));
    while (std::optional<Block> block = TRY(reader.next()))
        blocks.push_back(*std::move(block));
    TRY(reader.finish());
    return blocks;
}

}  // namespace

Result<ProvenRecord> verify_record_proof(ByteView car, CarBounds bounds, const Did& did,
                                         const PublicKey& signing_key, std::string_view key) {
    CarReader reader(bounds);
    const Blocks blocks = TRY(read_blocks(reader, car));
    mst::BlockSource source(blocks);
    const Block* const root = source.find(reader.roots().front());
    if (root == nullptr) return invalid("the commit is not among the blocks");
    const Commit commit = TRY(parse_commit(root->bytes));
    if (commit.did != did) return invalid("the commit is of " + commit.did.text());
    if (!verify_commit(commit, signing_key))
        return invalid("the commit is not signed with the key of " + did.text());
    const std::optional<Cid> cid = TRY(mst::Tree(commit.data).find(source, key));
    if (!cid) return ProvenRecord{commit.rev, std::nullopt};
    const Block* const record = source.find(*cid);
    if (record == nullptr) return invalid("the record is not among the blocks");
    return ProvenRecord{commit.rev, record->bytes};
}

}  // namespace roost::atproto
