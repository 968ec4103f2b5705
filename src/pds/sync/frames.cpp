#include "pds/sync/frames.h"

#include "atproto/data/cbor.h"
#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

namespace cbor = atproto::cbor;

constexpr std::uint8_t major_text = 3;
constexpr std::uint8_t major_map = 5;

// Walks over an encoded item without looking at what it means.
class Skimmer {
  public:
    explicit Skimmer(ByteView bytes) : bytes_(bytes) {}

    struct Head {
        std::uint8_t major;
        std::uint64_t argument;
    };
    std::size_t position() const { return position_; }

    Head head() {
        const std::uint8_t first = byte();
        const std::uint8_t major = first >> 5;
        const std::uint8_t info = first & 0x1f;
        if (info < 24) return {major, info};
        check(info <= 27, "a stored event is DAG-CBOR");
        std::uint64_t argument = 0;
        for (int i = 0; i < 1 << (info - 24); ++i)
            argument = argument << 8 | byte();
        return {major, argument};
    }
    ByteView take(std::uint64_t size) {
        check(size <= bytes_.size() - position_, "a stored event is whole");
        const ByteView taken = bytes_.subspan(position_, static_cast<std::size_t>(size));
        position_ += taken.size();
        return taken;
    }
    // One item with all that is in it.
    void skip() {
        std::uint64_t open = 1;
        while (open > 0) {
            --open;
            const Head item = head();
            if (item.major == 2 || item.major == 3) take(item.argument);
            // What a container declares has at least a byte for each item.
            if (item.major == 4 || item.major == 5) {
                check(item.argument <= bytes_.size(), "a stored event is whole");
                open += item.argument * (item.major == 5 ? 2 : 1);
            }
            if (item.major == 6) ++open;
        }
    }

  private:
    std::uint8_t byte() { return take(1)[0]; }

    ByteView bytes_;
    std::size_t position_ = 0;
};

// The order of map keys: the shorter first, then bytewise.
bool is_before(std::string_view a, std::string_view b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

void append_message_head(Bytes& to, std::string_view kind) {
    cbor::append_head(to, major_map, 2);
    cbor::append_text(to, "t");
    cbor::append_head(to, major_text, kind.size() + 1);
    to.push_back('#');
    append(to, as_bytes(kind));
    cbor::append_text(to, "op");
    cbor::append_int(to, 1);
}

net::SharedFrame finish(const Bytes& head, const Bytes& message) {
    Bytes payload = head;
    append(payload, message);
    return net::binary_frame(payload);
}

}  // namespace

net::SharedFrame event_frame(std::string_view kind, std::int64_t seq, Timestamp time,
                             ByteView body) {
    Bytes head;
    append_message_head(head, kind);
    Bytes seq_entry;
    cbor::append_text(seq_entry, "seq");
    cbor::append_int(seq_entry, seq);
    Bytes time_entry;
    cbor::append_text(time_entry, "time");
    cbor::append_text(time_entry, to_iso8601(time));

    // Where the two belong among the keys of the body.
    Skimmer skimmer(body);
    const Skimmer::Head map = skimmer.head();
    check(map.major == major_map, "the body of an event is a map");
    const std::size_t entries_at = skimmer.position();
    std::size_t seq_at = entries_at;
    std::size_t time_at = entries_at;
    for (std::uint64_t i = 0; i < map.argument; ++i) {
        const Skimmer::Head key_head = skimmer.head();
        check(key_head.major == major_text, "keys are text");
        const std::string_view key = as_text(skimmer.take(key_head.argument));
        check(key != "seq" && key != "time", "an event gets its number when it is framed");
        if (!is_before(key, "time")) break;
        skimmer.skip();
        time_at = skimmer.position();
        if (is_before(key, "seq")) seq_at = time_at;
    }

    Bytes map_head;
    cbor::append_head(map_head, major_map, map.argument + 2);
    const std::size_t payload_size = head.size() + map_head.size() + body.size() - entries_at +
                                     seq_entry.size() + time_entry.size();
    Bytes frame;
    frame.reserve(payload_size + frame_overhead_max);
    net::append_binary_head(frame, payload_size);
    append(frame, head);
    append(frame, map_head);
    append(frame, body.subspan(entries_at, seq_at - entries_at));
    append(frame, seq_entry);
    append(frame, body.subspan(seq_at, time_at - seq_at));
    append(frame, time_entry);
    append(frame, body.subspan(time_at));
    check(frame.size() <= limits::event_frame_bytes_max, "an event fits into a frame");
    return std::make_shared<const Bytes>(std::move(frame));
}

net::SharedFrame info_frame(std::string_view name, std::string_view message) {
    Bytes head;
    append_message_head(head, "info");
    return finish(head, cbor::encode(atproto::Object{{"name", std::string(name)},
                                                     {"message", std::string(message)}}));
}

net::SharedFrame error_frame(std::string_view name, std::string_view message) {
    return finish(cbor::encode(atproto::Object{{"op", -1}}),
                  cbor::encode(atproto::Object{{"error", std::string(name)},
                                               {"message", std::string(message)}}));
}

}  // namespace roost::pds
