#include "atproto/data/cbor_reader.h"
#include "atproto/data/json.h"
#include "base/encoding.h"

namespace roost::atproto::json {

namespace {

struct JsonSink {
    struct Slot {};
    struct Series {
        char separator;
        char end;
    };

    std::string& out;

    void null(Slot) { out += "null"; }
    void boolean(Slot, bool value) { out += value ? "true" : "false"; }
    void integer(Slot, std::int64_t number) { append_int(out, number); }
    void text(Slot, std::string_view text) { append_string(out, text); }
    void bytes(Slot, ByteView bytes) {
        out += "{\"$bytes\":\"";
        out += base64_encode_unpadded(bytes);
        out += "\"}";
    }
    void link(Slot, const Cid& cid) {
        out += "{\"$link\":\"";
        cid.append_to(out);
        out += "\"}";
    }

    Series array(Slot, std::uint64_t) {
        out += '[';
        return {'\0', ']'};
    }
    Series object(Slot, std::uint64_t) {
        out += '{';
        return {'\0', '}'};
    }
    Slot item(Series& series) {
        if (series.separator != '\0') out += series.separator;
        series.separator = ',';
        return {};
    }
    Slot member(Series& series, std::string_view key) {
        item(series);
        append_string(out, key);
        out += ':';
        return {};
    }
    void end(const Series& series) { out += series.end; }
};

}  // namespace

Result<void> append_cbor(std::string& out, ByteView cbor) {
    JsonSink sink{out};
    cbor::Reader reader(cbor, sink);
    if (!reader.read_all({})) return reader.error();
    return {};
}

}  // namespace roost::atproto::json
