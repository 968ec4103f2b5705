#include "net/byte_range.h"

#include <gtest/gtest.h>

namespace roost::net {
namespace {

constexpr ByteRange whole{ByteRange::Kind::whole, 0, 100};
constexpr ByteRange nothing{ByteRange::Kind::unsatisfiable, 0, 0};
constexpr ByteRange part(std::int64_t first, std::int64_t size) {
    return {ByteRange::Kind::part, first, size};
}

TEST(ByteRange, OfOneHundredBytes) {
    const std::pair<std::string_view, ByteRange> cases[] = {
        {"bytes=0-0", part(0, 1)},
        {"bytes=0-99", part(0, 100)},
        {"bytes=10-19", part(10, 10)},
        {"bytes=90-", part(90, 10)},
        {"bytes=90-1000", part(90, 10)},
        {"bytes=90-99999999999999999999999", part(90, 10)},
        {"bytes=-1", part(99, 1)},
        {"bytes=-100", part(0, 100)},
        {"bytes=-5000", part(0, 100)},
        {"Bytes = 1-2 ", part(1, 2)},
        {"bytes=100-", nothing},
        {"bytes=99999999999999999999999-", nothing},
        {"bytes=-0", nothing},
        {"bytes=5-4", whole},
        {"bytes=", whole},
        {"bytes=-", whole},
        {"bytes=1", whole},
        {"bytes=a-b", whole},
        {"bytes=+1-2", whole},
        {"bytes=1--2", whole},
        {"bytes=0x1-2", whole},
        {"bytes=0-1,5-6", whole},
        {"lines=0-1", whole},
        {"0-1", whole},
        {"", whole},
    };
    for (const auto& [header, expected] : cases)
        EXPECT_EQ(parse_range(header, 100), expected) << header;
}

TEST(ByteRange, NothingIsThereOfAnEmptyFile) {
    EXPECT_EQ(parse_range("bytes=0-", 0), nothing);
    EXPECT_EQ(parse_range("bytes=-1", 0), nothing);
}

TEST(ByteRange, ContentRange) {
    EXPECT_EQ(content_range(part(10, 10), 100), "bytes 10-19/100");
    EXPECT_EQ(content_range(nothing, 100), "bytes */100");
}

TEST(EntityTag, IsFoundInAList) {
    EXPECT_TRUE(has_entity_tag("\"a\"", "\"a\""));
    EXPECT_TRUE(has_entity_tag("W/\"a\"", "\"a\""));
    EXPECT_TRUE(has_entity_tag("\"b\" , W/\"c,\",\"a\"", "\"a\""));
    EXPECT_TRUE(has_entity_tag(" * ", "\"a\""));
    EXPECT_FALSE(has_entity_tag("", "\"a\""));
    EXPECT_FALSE(has_entity_tag("\"ab\"", "\"a\""));
    EXPECT_FALSE(has_entity_tag("a", "\"a\""));
    EXPECT_FALSE(has_entity_tag("\"b\" \"a\"", "\"a\""));
    EXPECT_FALSE(has_entity_tag("\"a", "\"a\""));
}

}  // namespace
}  // namespace roost::net
