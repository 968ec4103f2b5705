#include "pds/blobs/media_type.h"

#include <gtest/gtest.h>

namespace roost::pds {
namespace {

using namespace std::string_literals;

TEST(MediaType, OfAHeader) {
    EXPECT_EQ(parse_media_type("image/png"), "image/png");
    EXPECT_EQ(parse_media_type(" Image/PNG ; charset=x"), "image/png");
    EXPECT_EQ(parse_media_type("application/vnd.ipld.car"), "application/vnd.ipld.car");
    EXPECT_EQ(parse_media_type("*/*"), "*/*");
    for (const std::string& bad :
         {""s, "image"s, "/png"s, "image/"s, "image/png/x"s, "im age/png"s, "image/p\r\nX: y"s,
          "image/\0"s, "image/\xc3\xa4"s, "a/" + std::string(126, 'b')})
        EXPECT_EQ(parse_media_type(bad), std::nullopt) << bad;
    EXPECT_TRUE(parse_media_type("a/" + std::string(125, 'b')).has_value());
}

std::string sniffed(const std::string& content) {
    return std::string(sniff_media_type(as_bytes(content)).value_or(""));
}

std::string png(const std::string& chunks) {
    return "\x89PNG\r\n\x1a\n"s + chunks;
}
std::string chunk(const std::string& type, std::size_t size) {
    return std::string{'\0', '\0', '\0', static_cast<char>(size)} + type + std::string(size, 'x') +
           "crc!";
}

TEST(MediaType, OfAContent) {
    EXPECT_EQ(sniffed(png("")), "image/png");
    EXPECT_EQ(sniffed(png(chunk("IHDR", 13) + chunk("IDAT", 9))), "image/png");
    EXPECT_EQ(sniffed(png(chunk("IHDR", 13) + chunk("acTL", 8))), "image/apng");
    EXPECT_EQ(sniffed(png(chunk("IHDR", 13) + chunk("IDAT", 8) + chunk("acTL", 8))), "image/png");
    EXPECT_EQ(sniffed("\xff\xd8\xff\xe0"), "image/jpeg");
    EXPECT_EQ(sniffed("GIF89a"), "image/gif");
    EXPECT_EQ(sniffed("RIFF\1\2\3\4WEBPVP8 "), "image/webp");
    EXPECT_EQ(sniffed("RIFF\1\2\3\4WAVEfmt "), "audio/wav");
    EXPECT_EQ(sniffed("RIFF\1\2\3\4"), "");
    EXPECT_EQ(sniffed("\0\0\0\x20"s + "ftypisom"), "video/mp4");
    EXPECT_EQ(sniffed("\0\0\0\x20"s + "ftypqt  "), "video/quicktime");
    EXPECT_EQ(sniffed("\0\0\0\x20"s + "ftypavif"), "image/avif");
    EXPECT_EQ(sniffed("\0\0\0\x20"s + "ftyp3gp5"), "video/3gpp");
    EXPECT_EQ(sniffed("\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm"), "video/webm");
    EXPECT_EQ(sniffed("\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska"), "video/matroska");
    EXPECT_EQ(sniffed("ID3\3"), "audio/mpeg");
    EXPECT_EQ(sniffed("\xff\xfb\x90\x64"), "audio/mpeg");
    EXPECT_EQ(sniffed("\xff\xf1\x50\x80"), "audio/aac");
    EXPECT_EQ(sniffed("OggS"s + std::string(24, '\0') + "OpusHead"), "audio/ogg; codecs=opus");
    EXPECT_EQ(sniffed("%PDF-1.7"), "application/pdf");
    EXPECT_EQ(sniffed(std::string(257, 'a') + "ustar"), "application/x-tar");
}

TEST(MediaType, TextHasNone) {
    for (const char* text :
         {"", "B", "hello", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
          "<!doctype html><script>alert(1)</script>", "{\"a\":1}", "GIF", "RIFF", "\xff"})
        EXPECT_EQ(sniffed(text), "") << text;
}

}  // namespace
}  // namespace roost::pds
