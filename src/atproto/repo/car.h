// CAR files, version 1: a header that names the root, then blocks. The form in which repositories
// and their changes travel.
// https://atproto.com/specs/repository#car-file-serialization,
// https://ipld.io/specs/transport/car/carv1/
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "atproto/data/block.h"
#include "atproto/data/cid.h"
#include "base/bytes.h"
#include "base/result.h"

namespace roost::atproto {

// Without a root, the file is a loose bunch of blocks.
void append_car_header(Bytes& out, const std::optional<Cid>& root);
// The CID must be the content's.
void append_car_block(Bytes& out, const Cid& cid, ByteView content);
Bytes write_car(const std::optional<Cid>& root, const Blocks& blocks);

// What a reader lets through; who reads knows what is sensible.
struct CarBounds {
    std::uint64_t bytes_max;  // of the whole file
    std::uint64_t blocks_max;
};

// Reads a CAR file piece by piece, as it arrives:
//
//     CarReader reader(bounds);
//     while (… more …) {
//         TRY(reader.feed(piece));
//         while (std::optional<Block> block = TRY(reader.next())) use(*block);
//     }
//     TRY(reader.finish());
//
// Each block is hashed and compared with its CID. Holds at most one unfinished block and one piece.
// Errors: Fault::invalid, "InvalidCar"; beyond the bounds Fault::payload_too_large. After an error
// the reader gives nothing more than the same error.
class CarReader {
  public:
    explicit CarReader(CarBounds bounds) : bounds_(bounds) {}

    Result<void> feed(ByteView piece);
    // The next whole block, or none before more is fed.
    Result<std::optional<Block>> next();
    // Call at the end of the input: it must end with a whole block, after a header.
    Result<void> finish();

    // Empty until the header is read; then at least one. The first counts.
    const std::vector<Cid>& roots() const { return roots_; }
    // Where in the file the last block ended that next() gave.
    std::uint64_t position() const { return bytes_fed_ - (buffer_.size() - position_); }

  private:
    struct Section {
        std::size_t begin;
        std::size_t size;
    };
    Result<std::optional<Section>> take_section(std::size_t size_max);
    Result<bool> read_header();
    Result<std::optional<Block>> read_block();
    Error fail(Error error);

    CarBounds bounds_;
    Bytes buffer_;
    std::size_t position_ = 0;  // in the buffer: what is before is consumed
    std::uint64_t bytes_fed_ = 0;
    std::uint64_t blocks_read_ = 0;
    std::vector<Cid> roots_;
    std::optional<Error> failed_;
};

}  // namespace roost::atproto
