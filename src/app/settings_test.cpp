#include "app/settings.h"

#include <gtest/gtest.h>

#include <set>

namespace roost::app {
namespace {

TEST(Settings, TheTableIsConsistent) {
    std::set<std::string> flags;
    for (const Setting& setting : all_settings()) {
        EXPECT_TRUE(flags.insert(flag_of(setting)).second) << setting.name << " shares a flag";
        EXPECT_EQ(find_setting(setting.name), &setting);
        EXPECT_FALSE(setting.meaning.empty()) << setting.name;
        if (!setting.initial.empty())
            EXPECT_EQ(expectation_unless_valid(setting.kind, setting.initial), std::nullopt)
                << setting.name;
    }
    EXPECT_EQ(find_setting("PDS_NOTHING"), nullptr);
}

TEST(Settings, FlagsDropThePrefix) {
    EXPECT_EQ(flag_of(*find_setting("PDS_DATA_DIRECTORY")), "data-directory");
    EXPECT_EQ(flag_of(*find_setting("ROOST_THREADS")), "threads");
    EXPECT_EQ(flag_of(*find_setting("LOG_LEVEL")), "log-level");
}

void expect_values(Kind kind, std::initializer_list<std::string_view> right,
                   std::initializer_list<std::string_view> wrong) {
    for (const std::string_view text : right)
        EXPECT_EQ(expectation_unless_valid(kind, text), std::nullopt) << '"' << text << '"';
    for (const std::string_view text : wrong)
        EXPECT_NE(expectation_unless_valid(kind, text), std::nullopt) << '"' << text << '"';
}

TEST(Settings, NumbersAreStrict) {
    expect_values(Kind::number, {"0", "7", "9007199254740991"},
                  {"-1", "-0", "+1", "1.5", "1e3", " 1", "1 ", "0x10", "9007199254740992",
                   "99999999999999999999", "ten", "\xD9\xA1"});
    expect_values(Kind::port, {"1", "65535"}, {"0", "65536", "-1", "80a"});
    expect_values(Kind::milliseconds, {"0", "315360000000"}, {"315360000001"});
    expect_values(Kind::boolean, {"true", "false", "1", "0"}, {"yes", "TRUE", "on", "2"});
}

TEST(Settings, HostNames) {
    const std::string label63(63, 'a');
    const std::string label64(64, 'a');
    expect_values(Kind::host_name, {"localhost", "pds.example.com", "A-1.example", "xn--a.example"},
                  {"https://a.example", "a.example:443", "a.example/", "-a.example", "a-.example",
                   "a..example", ".a.example", "a.example.", "127.0.0.1", "::1", "a b",
                   "a_b.example", "\xC3\xA9.example"});
    expect_values(Kind::host_name, {label63 + ".example"}, {label64 + ".example"});
}

TEST(Settings, UrlsAndMail) {
    expect_values(Kind::url, {"http://localhost:2582", "https://plc.directory/x?y"},
                  {"plc.directory", "ftp://x", "https://", "https:///x", "https://a b"});
    expect_values(Kind::smtp_url, {"smtp://localhost:25", "smtps://u:p@mail.example"},
                  {"https://mail.example", "mail.example:25", "smtp://"});
    expect_values(Kind::mail_address, {"a@example.com", "Nest <a@example.com>", "a+b@x.example"},
                  {"a", "@example.com", "a@", "a@b@c.example", "a@example.com\r\nBcc: x@y.example",
                   "Nest <a@example.com", "Nest <a>", "a@example.com,b@example.com",
                   "a b@example.com", "Ne\nst <a@example.com>"});
}

TEST(Settings, KeysAndDids) {
    expect_values(Kind::k256_key,
                  {"0000000000000000000000000000000000000000000000000000000000000001",
                   "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"},
                  {"0000000000000000000000000000000000000000000000000000000000000000",
                   "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
                   "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "01", "zz"});
    expect_values(Kind::did_key, {"did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme"},
                  {"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",  // Ed25519
                   "did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did:key:z", "did:key:zQ3sh0O"});
    expect_values(Kind::did, {"did:web:pds.example.com", "did:plc:ewvi7nxzyoun6zhxrhs64oiz"},
                  {"pds.example.com", "did:", "did:web:", "did:web:a b"});
}

TEST(Settings, AddressesAndRanges) {
    expect_values(Kind::address_list, {"0.0.0.0", "::", "[::1], 10.0.0.1"},
                  {"localhost", "10.0.0.0/8", "10.0.0", "1.2.3.4.5", "[10.0.0.1", "::g", ","});
    expect_values(Kind::range_list, {"10.0.0.0/8", "::1", "fe80::/10,127.0.0.1"},
                  {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "x"});
    expect_values(
        Kind::metrics_place, {"off", "127.0.0.1:9", "[::1]:9"},
        {"on", "::1:9", "[127.0.0.1]:9", "127.0.0.1", "127.0.0.1:0", ":9", "localhost:9"});
}

TEST(Settings, NoValueHoldsAControlCharacterOrIsAFile) {
    for (const Setting& setting : all_settings())
        EXPECT_NE(expectation_unless_valid(setting.kind, "a\nb"), std::nullopt) << setting.name;
    expect_values(Kind::text, {std::string(8'192, 'x')}, {std::string(8'193, 'x')});
}

TEST(Settings, ListsDropWhiteSpaceAndEmptyItems) {
    EXPECT_EQ(split_list(" a , b,,c "), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_TRUE(split_list("").empty());
    EXPECT_TRUE(split_list(" , ").empty());
}

bool contains(std::string_view range, std::string_view address) {
    const auto parsed = IpRange::parse(range);
    const auto single = IpRange::parse(address);
    EXPECT_TRUE(parsed && single) << range << " " << address;
    return parsed && single && parsed->contains(single->base);
}

TEST(IpRange, HoldsItsAddressesOnly) {
    EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
    EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
    EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.129"));
    EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
    EXPECT_TRUE(contains("192.0.2.7", "192.0.2.7"));
    EXPECT_FALSE(contains("192.0.2.7", "192.0.2.6"));
    EXPECT_TRUE(contains("0.0.0.0/0", "8.8.8.8"));
    EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
    EXPECT_TRUE(contains("::/0", "8.8.8.8"));
    EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::"));
    EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::"));
    EXPECT_TRUE(contains("::ffff:10.0.0.1", "10.0.0.1"));
}

TEST(Settings, NearestNameIsNearOrNothing) {
    EXPECT_EQ(nearest_setting("PDS_HOST_NAME"), "PDS_HOSTNAME");
    EXPECT_EQ(nearest_setting("PDS_EMAIL_SMTP_UR"), "PDS_EMAIL_SMTP_URL");
    EXPECT_EQ(nearest_setting("ROOST_" + std::string(1'000'000, 'X')), std::nullopt);
    EXPECT_EQ(nearest_setting("PDS_QQQQQQQQ"), std::nullopt);
}

}  // namespace
}  // namespace roost::app
