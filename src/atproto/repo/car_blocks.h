// The blocks of a CAR file, to be found by their CIDs in whatever order they came. The file lies
// somewhere else; what is held here is where in it each block stands, in 24 bytes a block.
//
//     CarBlocks blocks(content, bounds);
//     while (… more …) { … append the piece to the content … TRY(blocks.feed(piece)); }
//     TRY(blocks.finish());
//     Bytes block = TRY(blocks.find(blocks.roots().front()));
//
// Each block is hashed when it comes, and again when it is read. Of equal blocks one is kept.
// Belongs to one thread at a time; the content must outlive it.
//
// Errors: those of CarReader; Fault::invalid "MissingBlock", which names the CID; what the content
// says when it cannot be read.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/mst/node_source.h"
#include "atproto/repo/car.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto {

// The bytes of the file that have come so far.
class CarContent {
  public:
    virtual ~CarContent() = default;
    // Fills all of `out`, which lies within what has come.
    virtual Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) = 0;
};

class CarBlocks : public mst::NodeSource {
  public:
    CarBlocks(CarContent& content, CarBounds bounds) : content_(content), reader_(bounds) {}

    // The next bytes of the file, which the content holds already.
    Result<void> feed(ByteView piece);
    // The file must end here.
    Result<void> finish();

    // After finish().
    const std::vector<Cid>& roots() const { return reader_.roots(); }
    std::size_t size() const { return entries_.size(); }
    Result<Bytes> find(const Cid& cid);
    Result<mst::StoredNode> load(const mst::NodePlace& place) override;

  private:
    // Two blocks with the same start of their digests would take 2^48 attempts to make, and harm
    // nobody but the file that has them: one of them is missing then.
    using Key = std::array<std::uint8_t, 12>;
    struct Entry {
        Key key;
        std::uint32_t size;
        std::uint64_t offset;
    };
    static Key key_of(const Cid& cid);

    CarContent& content_;
    CarReader reader_;
    std::vector<Entry> entries_;  // sorted by finish()
    Bytes loaded_;
};

}  // namespace roost::atproto
