#include "net/websocket.h"

#include "base/encoding.h"
#include "net/ascii.h"
#include "net/websocket_handshake.h"

#include <openssl/sha.h>

namespace roost::net {

namespace {

constexpr std::uint8_t final_binary = 0x82;
constexpr std::size_t key_bytes = 16;

// Is the word in a header that is a list, in any case and on any of its lines?
bool has_token(const Request& request, std::string_view header, std::string_view token) {
    for (const Header& line : request.headers) {
        if (!equals_lower_case(line.name, header)) continue;
        std::string_view rest = line.value;
        while (!rest.empty()) {
            const std::size_t comma = rest.find(',');
            std::string_view item = rest.substr(0, comma);
            rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
            while (!item.empty() && (item.front() == ' ' || item.front() == '\t'))
                item.remove_prefix(1);
            while (!item.empty() && (item.back() == ' ' || item.back() == '\t'))
                item.remove_suffix(1);
            if (equals_lower_case(item, token)) return true;
        }
    }
    return false;
}

}  // namespace

void append_frame_head(Bytes& to, std::uint8_t first, std::size_t payload_size) {
    to.push_back(first);
    int length_bytes = 0;
    if (payload_size < 126) {
        to.push_back(static_cast<std::uint8_t>(payload_size));
    } else if (payload_size < 65'536) {
        to.push_back(126);
        length_bytes = 2;
    } else {
        to.push_back(127);
        length_bytes = 8;
    }
    for (int i = length_bytes - 1; i >= 0; --i)
        to.push_back(static_cast<std::uint8_t>(payload_size >> (8 * i)));
}

void append_binary_head(Bytes& to, std::size_t payload_size) {
    append_frame_head(to, final_binary, payload_size);
}

SharedFrame binary_frame(ByteView payload) {
    Bytes frame;
    constexpr std::size_t head_bytes_max = 10;
    frame.reserve(payload.size() + head_bytes_max);
    append_binary_head(frame, payload.size());
    append(frame, payload);
    return std::make_shared<const Bytes>(std::move(frame));
}

// https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
Result<void> check_upgrade(const Request& request) {
    if (!has_token(request, "upgrade", "websocket") || !has_token(request, "connection", "upgrade"))
        return Error::invalid("This is a stream: connect to it with a WebSocket.",
                              "UpgradeRequired");
    if (request.header("sec-websocket-version").value_or("") != "13")
        return Error::invalid("The WebSocket version must be 13.", "UpgradeRequired");
    if (request.method_text != "GET") return Error::invalid("A WebSocket is asked for with GET.");
    const auto key = request.header("sec-websocket-key");
    const auto decoded = key ? base64_decode(*key) : std::nullopt;
    if (!decoded || decoded->size() != key_bytes)
        return Error::invalid("Sec-WebSocket-Key must be 16 bytes in base64.");
    return {};
}

// https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
std::string accept_key(std::string_view key) {
    const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    return base64_encode(digest);
}

}  // namespace roost::net
