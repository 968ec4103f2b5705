#include "atproto/repo/car.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "atproto/data/cbor.h"
#include "atproto/limits.h"

namespace roost::atproto {

namespace {

constexpr std::uint8_t cbor_array = 4;
constexpr std::uint8_t cbor_map = 5;
constexpr std::int64_t car_version = 1;
// Four bytes reach 2^28, past any section that is let through.
constexpr std::size_t varint_bytes_max = 4;
// With one root.
constexpr std::size_t header_bytes_max = 64;

Error invalid(std::string message) {
    return Error::invalid(std::move(message), "InvalidCar");
}

Error too_large(std::string message) {
    return {Fault::payload_too_large, "PayloadTooLarge", std::move(message)};
}

// Returns the end of it.
std::uint8_t* write_varint(std::uint8_t* out, std::size_t number) {
    while (number >= 0x80) {
        *out++ = static_cast<std::uint8_t>(number | 0x80);
        number >>= 7;
    }
    *out++ = static_cast<std::uint8_t>(number);
    return out;
}

// Of any number of 64 bits.
constexpr std::size_t varint_bytes_written_max = 10;

struct Varint {
    std::size_t number;
    std::size_t size;
};

// None before enough bytes are there. https://github.com/multiformats/unsigned-varint
Result<std::optional<Varint>> read_varint(ByteView bytes) {
    std::size_t number = 0;
    for (std::size_t i = 0; i < varint_bytes_max; ++i) {
        if (i == bytes.size()) return std::optional<Varint>();
        number |= static_cast<std::size_t>(bytes[i] & 0x7f) << (7 * i);
        if (bytes[i] & 0x80) continue;
        if (bytes[i] == 0 && i > 0) return invalid("a length in the CAR file is not minimal");
        return std::optional<Varint>({number, i + 1});
    }
    return too_large("a length in the CAR file is beyond all bounds");
}

Result<std::vector<Cid>> parse_header(ByteView bytes) {
    Result<Value> value = cbor::decode(bytes);
    const Object* const header = value ? value->as<Object>() : nullptr;
    const Value* const version = header ? header->find("version") : nullptr;
    const Value* const roots_value = header ? header->find("roots") : nullptr;
    const Array* const roots = roots_value ? roots_value->as<Array>() : nullptr;
    if (!version || !roots || header->size() != 2 || *version != Value(car_version))
        return invalid("the file does not begin with the header of a CAR file of version 1");
    if (roots->empty() || roots->size() > limits::car_roots_max)
        return invalid("the CAR file has no root, or too many");
    std::vector<Cid> cids;
    for (const Value& root : *roots) {
        const Cid* const cid = root.as<Cid>();
        if (!cid) return invalid("a root of the CAR file is not a CID");
        cids.push_back(*cid);
    }
    return cids;
}

}  // namespace

void append_car_header(Bytes& out, const std::optional<Cid>& root) {
    Bytes header;
    header.reserve(header_bytes_max);
    cbor::append_head(header, cbor_map, 2);
    cbor::append_text(header, "roots");
    cbor::append_head(header, cbor_array, root ? 1 : 0);
    if (root) cbor::append_cid(header, *root);
    cbor::append_text(header, "version");
    cbor::append_int(header, car_version);
    std::array<std::uint8_t, varint_bytes_written_max> size;
    append(out, {size.data(), write_varint(size.data(), header.size())});
    append(out, header);
}

void append_car_block(Bytes& out, const Cid& cid, ByteView content) {
    std::array<std::uint8_t, varint_bytes_written_max + Cid::binary_size> head;
    std::uint8_t* end = write_varint(head.data(), Cid::binary_size + content.size());
    const auto binary = cid.binary();
    std::memcpy(end, binary.data(), binary.size());
    const auto head_size = static_cast<std::size_t>(end - head.data()) + binary.size();
    const std::size_t begin = out.size();
    out.resize(begin + head_size + content.size());
    std::memcpy(out.data() + begin, head.data(), head_size);
    if (!content.empty())
        std::memcpy(out.data() + begin + head_size, content.data(), content.size());
}

Bytes write_car(const std::optional<Cid>& root, const Blocks& blocks) {
    std::size_t bytes_max = varint_bytes_max + header_bytes_max;
    for (const Block& block : blocks)
        bytes_max += varint_bytes_max + Cid::binary_size + block.bytes.size();
    Bytes out;
    out.reserve(bytes_max);
    append_car_header(out, root);
    for (const Block& block : blocks)
        append_car_block(out, block.cid, block.bytes);
    return out;
}

Error CarReader::fail(Error error) {
    failed_ = error;
    buffer_ = {};
    position_ = 0;
    return error;
}

Result<void> CarReader::feed(ByteView piece) {
    if (failed_) return *failed_;
    bytes_fed_ += piece.size();
    if (bytes_fed_ > bounds_.bytes_max)
        return fail(too_large("the CAR file is larger than " + std::to_string(bounds_.bytes_max) +
                              " bytes"));
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(position_));
    position_ = 0;
    append(buffer_, piece);
    return {};
}

Result<std::optional<CarReader::Section>> CarReader::take_section(std::size_t size_max) {
    const ByteView rest = ByteView(buffer_).subspan(position_);
    const std::optional<Varint> size = TRY(read_varint(rest));
    if (!size) return std::optional<Section>();
    if (size->number > size_max)
        return too_large("the CAR file has a section larger than " + std::to_string(size_max) +
                         " bytes");
    if (rest.size() - size->size < size->number) return std::optional<Section>();
    const Section section{position_ + size->size, size->number};
    position_ = section.begin + section.size;
    return std::optional<Section>(section);
}

Result<bool> CarReader::read_header() {
    const std::optional<Section> section = TRY(take_section(limits::car_header_bytes_max));
    if (!section) return false;
    roots_ = TRY(parse_header(ByteView(buffer_).subspan(section->begin, section->size)));
    return true;
}

Result<std::optional<Block>> CarReader::read_block() {
    const std::optional<Section> section =
        TRY(take_section(Cid::binary_size + limits::car_block_bytes_max));
    if (!section) return std::optional<Block>();
    if (++blocks_read_ > bounds_.blocks_max)
        return too_large("the CAR file has more than " + std::to_string(bounds_.blocks_max) +
                         " blocks");
    const ByteView bytes = ByteView(buffer_).subspan(section->begin, section->size);
    if (bytes.size() < Cid::binary_size) return invalid("a block of the CAR file has no CID");
    const Result<Cid> cid = Cid::from_binary(bytes.first(Cid::binary_size));
    if (!cid) return invalid("a block of the CAR file: " + cid.error().message);
    const ByteView content = bytes.subspan(Cid::binary_size);
    if (Cid::of(cid->codec(), content) != *cid)
        return invalid("a block of the CAR file is not what its CID says: " + cid->text());
    return std::optional<Block>({*cid, Bytes(content.begin(), content.end())});
}

Result<std::optional<Block>> CarReader::next() {
    if (failed_) return *failed_;
    if (roots_.empty()) {
        const Result<bool> header = read_header();
        if (!header) return fail(header.error());
        if (!*header) return std::optional<Block>();
    }
    Result<std::optional<Block>> block = read_block();
    if (!block) return fail(block.error());
    return block;
}

Result<void> CarReader::finish() {
    if (failed_) return *failed_;
    if (roots_.empty() || position_ != buffer_.size())
        return fail(invalid("the CAR file ends too early"));
    return {};
}

}  // namespace roost::atproto
