#include "pds/mail/email_address.h"

#include <gtest/gtest.h>

namespace roost::pds::mail {
namespace {

std::string repeat(char c, std::size_t count) {
    return std::string(count, c);
}

TEST(EmailAddress, TakesThePlainForm) {
    const std::string label = repeat('a', 63);
    const std::string longest = repeat('l', 64) + "@" + label + "." + label + "." + repeat('b', 61);
    EXPECT_EQ(longest.size(), 254u);
    for (const std::string& text :
         {std::string("a@b.co"), std::string("ann@example.com"), std::string("Ann.Bee@Example.COM"),
          std::string("o'neil+lists@mail.example.co.uk"), std::string("!#$%&'*+-/=?^_`{|}~@x.io"),
          std::string("1@2.3d"), std::string("a@xn--bcher-kva.example"),
          std::string("a@x-y.xn--p1ai"), repeat('a', 64) + "@example.com", longest})
        EXPECT_TRUE(is_email_address(text)) << text;
}

TEST(EmailAddress, RefusesEverythingElse) {
    const std::string label = repeat('a', 63);
    for (const std::string& text :
         {std::string(""),
          std::string("@"),
          std::string("ann"),
          std::string("ann@"),
          std::string("@example.com"),
          std::string("ann@example"),
          std::string("a@b@c.com"),
          std::string(".a@b.co"),
          std::string("a.@b.co"),
          std::string("a..b@c.co"),
          std::string("a@.co"),
          std::string("a@b."),
          std::string("a@b..co"),
          std::string("a@-b.co"),
          std::string("a@b-.co"),
          std::string("a@b_c.co"),
          std::string("\"a b\"@c.co"),
          std::string("a(c)@b.co"),
          std::string("a@[127.0.0.1]"),
          std::string("a@127.0.0.1"),
          std::string("a@b.123"),
          std::string("Ann <a@b.co>"),
          std::string("<a@b.co>"),
          std::string("a@b.co,c@d.co"),
          std::string("a@b.co c@d.co"),
          std::string(" a@b.co"),
          std::string("a@b.co "),
          std::string("a@b.co\n"),
          std::string("a@b.co\r\nRCPT TO:<x@y.co>"),
          std::string("a\r\n@b.co"),
          std::string("a\0@b.co", 7),
          std::string("a\t@b.co"),
          std::string("a\\@b.co"),
          std::string("a;b@c.co"),
          std::string("a:b@c.co"),
          std::string("\xc3\xa4@b.co"),
          std::string("a@b\xc3\xa4.co"),
          repeat('a', 65) + "@example.com",
          "a@" + repeat('b', 64) + ".co",
          repeat('l', 64) + "@" + label + "." + label + "." + repeat('b', 62)})
        EXPECT_FALSE(is_email_address(text)) << text;
}

TEST(EmailAddress, EveryByteOutsideTheAlphabetIsRefused) {
    const std::string_view others = "!#$%&'*+-/=?^_`{|}~";
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool is_alnum =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool in_local = is_alnum || c == '.' || others.find(c) != std::string_view::npos;
        const bool in_domain = is_alnum || c == '.' || c == '-';
        EXPECT_EQ(is_email_address(std::string("x") + c + "y@example.com"), in_local) << byte;
        EXPECT_EQ(is_email_address(std::string("x@ex") + c + "ample.com"), in_domain) << byte;
    }
}

TEST(EmailAddress, IsNormalisedToLowerCase) {
    EXPECT_EQ(normalize_email("Ann.BEE+Z@Example.COM"), "ann.bee+z@example.com");
    EXPECT_EQ(normalize_email("a_[]@b.co"), "a_[]@b.co");
}

TEST(EmailAddress, ShowsItsDomain) {
    EXPECT_EQ(domain_of("ann@example.com"), "example.com");
    EXPECT_EQ(domain_of("nothing"), "");
}

}  // namespace
}  // namespace roost::pds::mail
