#include "pds/blobs/media_type.h"

#include <algorithm>

#include "pds/blobs/limits.h"

namespace roost::pds {

namespace {

using namespace std::string_view_literals;

// https://www.rfc-editor.org/rfc/rfc6838#section-4.2
bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           "!#$&-^_.+*%'`|~"sv.find(c) != std::string_view::npos;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool is_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_name_char);
}

// A file begins with the mark, or has it at that place.
struct Mark {
    std::string_view bytes;
    std::string_view type;
    std::size_t at = 0;
};

constexpr Mark marks[] = {
    {"\xff\xd8\xff"sv, "image/jpeg"},
    {"GIF8"sv, "image/gif"},
    {"BM"sv, "image/bmp"},
    {"II*\0"sv, "image/tiff"},
    {"MM\0*"sv, "image/tiff"},
    {"\0\0\1\0"sv, "image/x-icon"},
    {"\0\0\0\x0cJXL \r\n\x87\n"sv, "image/jxl"},
    {"\xff\x0a"sv, "image/jxl"},
    {"8BPS"sv, "image/vnd.adobe.photoshop"},
    {"fLaC"sv, "audio/flac"},
    {"MThd"sv, "audio/midi"},
    {"#!AMR"sv, "audio/amr"},
    {"ID3"sv, "audio/mpeg"},
    {"FLV\1"sv, "video/x-flv"},
    {"\0\0\1\xba"sv, "video/mpeg"},
    {"\0\0\1\xb3"sv, "video/mpeg"},
    {"%PDF-"sv, "application/pdf"},
    {"PK\3\4"sv, "application/zip"},
    {"PK\5\6"sv, "application/zip"},
    {"\x1f\x8b\x08"sv, "application/gzip"},
    {"BZh"sv, "application/x-bzip2"},
    {"\xfd"
     "7zXZ\0"sv,
     "application/x-xz"},
    {"7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    {"\x28\xb5\x2f\xfd"sv, "application/zstd"},
    {"Rar!\x1a\x07"sv, "application/x-rar-compressed"},
    {"\0asm"sv, "application/wasm"},
    {"wOFF"sv, "font/woff"},
    {"wOF2"sv, "font/woff2"},
    {"\0\1\0\0\0"sv, "font/ttf"},
    {"OTTO\0"sv, "font/otf"},
    {"<?xml "sv, "application/xml"},
    {"%!PS"sv, "application/postscript"},
    {"glTF\2\0\0\0"sv, "model/gltf-binary"},
    {"SQLite format 3\0"sv, "application/x-sqlite3"},
    {"ustar"sv, "application/x-tar", 257},
};

// A picture that moves says so in a chunk before the first one of pixels.
// https://www.w3.org/TR/png-3/#5Chunk-layout
std::optional<std::string_view> sniff_png(std::string_view start) {
    if (!start.starts_with("\x89PNG\r\n\x1a\n")) return std::nullopt;
    std::size_t at = 8;
    while (start.size() >= at + 8) {
        const std::string_view type = start.substr(at + 4, 4);
        if (type == "acTL") return "image/apng";
        if (type == "IDAT") break;
        std::size_t size = 0;
        for (std::size_t i = 0; i < 4; ++i)
            size = size << 8 | static_cast<unsigned char>(start[at + i]);
        at += size + 12;  // the length, the type, the content, a checksum
    }
    return "image/png";
}

// The major brand of an ISO base media file, in the box that is first.
// https://www.iso.org/standard/83102.html
std::optional<std::string_view> sniff_iso_media(std::string_view start) {
    if (start.size() < 12 || start.substr(4, 4) != "ftyp") return std::nullopt;
    const std::string_view brand = start.substr(8, 4);
    constexpr Mark brands[] = {
        {"avif", "image/avif"},          {"avis", "image/avif"},
        {"mif1", "image/heif"},          {"msf1", "image/heif-sequence"},
        {"heic", "image/heic"},          {"heix", "image/heic"},
        {"hevc", "image/heic-sequence"}, {"hevx", "image/heic-sequence"},
        {"qt  ", "video/quicktime"},     {"M4V ", "video/x-m4v"},
        {"M4VH", "video/x-m4v"},         {"M4VP", "video/x-m4v"},
        {"M4P ", "video/mp4"},           {"M4B ", "audio/mp4"},
        {"M4A ", "audio/x-m4a"},         {"F4V ", "video/mp4"},
        {"F4P ", "video/mp4"},           {"F4A ", "audio/mp4"},
        {"F4B ", "audio/mp4"},           {"crx ", "image/x-canon-cr3"},
    };
    for (const Mark& known : brands)
        if (known.bytes == brand) return known.type;
    if (brand.starts_with("3g2")) return "video/3gpp2";
    if (brand.starts_with("3g")) return "video/3gpp";
    return "video/mp4";
}

std::optional<std::string_view> sniff_riff(std::string_view start) {
    if (start.size() < 12 || !start.starts_with("RIFF")) return std::nullopt;
    const std::string_view form = start.substr(8, 4);
    if (form == "WEBP") return "image/webp";
    if (form == "WAVE") return "audio/wav";
    if (form == "AVI ") return "video/vnd.avi";
    return std::nullopt;
}

// Both are EBML; the document's type stands near the start.
// https://www.rfc-editor.org/rfc/rfc8794#section-11.2.6
std::optional<std::string_view> sniff_matroska(std::string_view start) {
    if (!start.starts_with("\x1a\x45\xdf\xa3")) return std::nullopt;
    const std::string_view head = start.substr(0, 128);
    const std::size_t at = head.find("\x42\x82");
    if (at == std::string_view::npos || head.size() < at + 3) return std::nullopt;
    const std::string_view type = head.substr(at + 3);
    if (type.starts_with("webm")) return "video/webm";
    if (type.starts_with("matroska")) return "video/matroska";
    return std::nullopt;
}

// https://www.rfc-editor.org/rfc/rfc3533#section-6
std::optional<std::string_view> sniff_ogg(std::string_view start) {
    if (!start.starts_with("OggS")) return std::nullopt;
    if (start.size() < 36) return "application/ogg";
    const std::string_view codec = start.substr(28);
    if (codec.starts_with("OpusHead")) return "audio/ogg; codecs=opus";
    if (codec.starts_with("\x80theora")) return "video/ogg";
    if (codec.starts_with("\x7f"
                          "FLAC") ||
        codec.starts_with("Speex  ") || codec.starts_with("\x01vorbis"))
        return "audio/ogg";
    return "application/ogg";
}

// A frame of MPEG audio without a tag before it: twelve bits of ones, and what they announce.
std::optional<std::string_view> sniff_mpeg_audio(std::string_view start) {
    if (start.size() < 4 || start[0] != '\xff') return std::nullopt;
    const auto second = static_cast<unsigned char>(start[1]);
    if ((second & 0xf6) == 0xf0) return "audio/aac";
    if ((second & 0xe0) != 0xe0 || (second & 0x18) == 0x08) return std::nullopt;
    if ((second & 0x06) == 0x02) return "audio/mpeg";
    if ((second & 0x06) == 0x04) return "audio/mpeg";
    return std::nullopt;
}

// A transport stream: the same byte at the start of each packet.
bool is_transport_stream(std::string_view start) {
    constexpr std::size_t packet_size = 188;
    return start.size() > 2 * packet_size && start[0] == 'G' && start[packet_size] == 'G' &&
           start[2 * packet_size] == 'G';
}

}  // namespace

std::optional<std::string> parse_media_type(std::string_view header) {
    std::string_view type = header.substr(0, header.find(';'));
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t'))
        type.remove_suffix(1);
    while (!type.empty() && (type.front() == ' ' || type.front() == '\t'))
        type.remove_prefix(1);
    if (type.size() > limits::media_type_bytes_max) return std::nullopt;
    std::string text(type);
    std::ranges::transform(text, text.begin(), lower);
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos) return std::nullopt;
    if (!is_name(std::string_view(text).substr(0, slash)) ||
        !is_name(std::string_view(text).substr(slash + 1)))
        return std::nullopt;
    return text;
}

std::optional<std::string_view> sniff_media_type(ByteView bytes) {
    const std::string_view start = as_text(bytes);
    for (const Mark& mark : marks)
        if (start.size() >= mark.at && start.substr(mark.at).starts_with(mark.bytes))
            return mark.type;
    for (const auto sniff : {sniff_png, sniff_iso_media, sniff_riff, sniff_matroska, sniff_ogg})
        if (const auto type = sniff(start)) return type;
    if (is_transport_stream(start)) return "video/mp2t";
    return sniff_mpeg_audio(start);
}

}  // namespace roost::pds
