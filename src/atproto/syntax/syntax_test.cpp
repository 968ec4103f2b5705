#include "atproto/syntax/syntax.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <unordered_set>

namespace roost::atproto {
namespace {

template <class Kind>
bool is_valid(std::string_view text) {
    return Kind::parse(text).has_value();
}

template <class Kind>
std::string refusal(std::string_view text) {
    auto parsed = Kind::parse(text);
    return parsed ? "accepted" : parsed.error().message;
}

using Predicate = bool (*)(std::string_view);

// The protocol's shared test vectors: one text a line, "#" begins a comment.
struct InteropFile {
    const char* name;
    Predicate accepts;
    bool expected;
};

constexpr InteropFile interop_files[] = {
    {"atidentifier_syntax_valid", is_at_identifier, true},
    {"atidentifier_syntax_invalid", is_at_identifier, false},
    {"aturi_syntax_valid", is_valid<AtUri>, true},
    {"aturi_syntax_invalid", is_valid<AtUri>, false},
    {"datetime_syntax_valid", is_datetime, true},
    {"datetime_syntax_invalid", is_datetime, false},
    {"datetime_parse_invalid", is_datetime, false},
    {"did_syntax_valid", is_valid<Did>, true},
    {"did_syntax_invalid", is_valid<Did>, false},
    {"handle_syntax_valid", is_valid<Handle>, true},
    {"handle_syntax_invalid", is_valid<Handle>, false},
    {"language_syntax_valid", is_language, true},
    {"language_syntax_invalid", is_language, false},
    // Well-formed, which is all that is_language() asks for, though not "valid".
    {"language_parse_invalid", is_language, true},
    {"nsid_syntax_valid", is_valid<Nsid>, true},
    {"nsid_syntax_invalid", is_valid<Nsid>, false},
    {"recordkey_syntax_valid", is_valid<RecordKey>, true},
    {"recordkey_syntax_invalid", is_valid<RecordKey>, false},
    {"tid_syntax_valid", is_valid<Tid>, true},
    {"tid_syntax_invalid", is_valid<Tid>, false},
};

TEST(Syntax, AgreesWithTheInteropFiles) {
    const std::filesystem::path folder = ROOST_SHARED_DIR "/interop/syntax";
    if (!std::filesystem::exists(folder))
        GTEST_SKIP() << "the interop files are not there: " << folder;
    for (const InteropFile& file : interop_files) {
        std::ifstream lines(folder / (std::string(file.name) + ".txt"));
        ASSERT_TRUE(lines) << file.name;
        int count = 0;
        for (std::string line; std::getline(lines, line);) {
            if (line.empty() || line.starts_with('#')) continue;
            ++count;
            EXPECT_EQ(file.accepts(line), file.expected) << file.name << ": " << line;
        }
        EXPECT_GT(count, 3) << file.name;
    }
}

TEST(Did, AcceptsAnyMethod) {
    for (const char* text : {"did:plc:l3rouwludahu3ui3bt66mfvj", "did:web:pds.example.org",
                             "did:web:localhost%3A2583", "did:a:b", "did:ex:a:b::c", "did:ex:%41"})
        EXPECT_EQ(Did::parse(text).value().text(), text);
    EXPECT_EQ(Did::parse("did:web:a.org:did:x").value().method(), "web");
    EXPECT_TRUE(is_valid<Did>("did:ex:" + std::string(2041, 'a')));
}

TEST(Did, SaysWhatIsWrong) {
    EXPECT_EQ(refusal<Did>("dad:plc:abc"), "DID does not begin with \"did:\"");
    EXPECT_EQ(refusal<Did>("did:ex:" + std::string(2042, 'a')),
              "DID too long (2048 bytes at most)");
    EXPECT_EQ(refusal<Did>("did:ex:a b"), "Invalid characters in DID");
    EXPECT_EQ(refusal<Did>(std::string_view("did:ex:a\0", 9)), "Invalid characters in DID");
    EXPECT_EQ(refusal<Did>("did:ex"), "DID has no part after its method");
    EXPECT_EQ(refusal<Did>("did::ex"), "DID method is not of lower-case letters");
    EXPECT_EQ(refusal<Did>("did:e1:ex"), "DID method is not of lower-case letters");
    EXPECT_EQ(refusal<Did>("did:ex:"), "DID ends with \":\" or \"%\"");
    EXPECT_EQ(refusal<Did>("did:ex:a%"), "DID ends with \":\" or \"%\"");
    EXPECT_EQ(Did::parse("").error().fault, Fault::invalid);
}

TEST(Did, MayHaveAFragmentAsAnAudience) {
    EXPECT_TRUE(is_did_with_fragment("did:web:example.org"));
    EXPECT_TRUE(is_did_with_fragment("did:web:example.org#atproto_labeler"));
    EXPECT_FALSE(is_did_with_fragment("did:web:example.org#"));
    EXPECT_FALSE(is_did_with_fragment("did:web:example.org#a#b"));
    EXPECT_FALSE(is_did_with_fragment("did:web:example.org#a b"));
    EXPECT_FALSE(is_did_with_fragment("#atproto_labeler"));
}

TEST(Handle, IsNormalisedToLowerCase) {
    EXPECT_EQ(Handle::parse("Wren.Example.COM").value().text(), "wren.example.com");
    EXPECT_EQ(Handle::parse("wren.example.com").value(), Handle::parse("WREN.example.com").value());
    std::unordered_set<Handle> set{Handle::parse("a.org").value(), Handle::parse("A.org").value()};
    EXPECT_EQ(set.size(), 1u);
}

TEST(Handle, SaysWhatIsWrong) {
    EXPECT_EQ(refusal<Handle>("wren_1.org"), "Invalid characters in handle");
    EXPECT_EQ(refusal<Handle>("\xe2\x80\xaenerw.org"), "Invalid characters in handle");
    EXPECT_EQ(refusal<Handle>(""), "Handle needs at least two parts");
    EXPECT_EQ(refusal<Handle>("wren"), "Handle needs at least two parts");
    EXPECT_EQ(refusal<Handle>("wren.org."), "Handle parts can not be empty");
    EXPECT_EQ(refusal<Handle>(".wren.org"), "Handle parts can not be empty");
    EXPECT_EQ(refusal<Handle>("-wren.org"), "Handle parts can not start or end with hyphens");
    EXPECT_EQ(refusal<Handle>("wren-.org"), "Handle parts can not start or end with hyphens");
    EXPECT_EQ(refusal<Handle>("wren.4rg"), "Handle top-level domain must start with a letter");
    EXPECT_EQ(refusal<Handle>(std::string(64, 'w') + ".org"), "Handle part too long");
    std::string longest;
    for (int i = 0; i < 125; ++i)
        longest += "a.";
    EXPECT_TRUE(is_valid<Handle>(longest + "org"));
    EXPECT_EQ(refusal<Handle>(longest + "orgs"), "Handle too long");
    EXPECT_EQ(Handle::parse("wren").error().name, "InvalidHandle");
}

TEST(Handle, KnowsTheExcludedTopLevelDomains) {
    for (const char* text : {"a.local", "a.arpa", "a.invalid", "a.localhost", "a.internal",
                             "a.example", "a.alt", "a.onion", "a.ONION"})
        EXPECT_FALSE(Handle::parse(text).value().has_allowed_tld()) << text;
    for (const char* text : {"a.test", "a.org", "local.org", "a.notlocal"})
        EXPECT_TRUE(Handle::parse(text).value().has_allowed_tld()) << text;
}

TEST(Nsid, NormalisesOnlyTheAuthority) {
    EXPECT_EQ(Nsid::parse("ORG.Example.getThing").value().text(), "org.example.getThing");
}

TEST(Nsid, SaysWhatIsWrong) {
    EXPECT_EQ(refusal<Nsid>("org.example"), "Invalid NSID: fewer than three segments");
    EXPECT_EQ(refusal<Nsid>(""), "Invalid NSID: fewer than three segments");
    EXPECT_EQ(refusal<Nsid>("org.exam_ple.a"),
              "Invalid NSID: characters other than letters, digits, hyphens and periods");
    EXPECT_EQ(refusal<Nsid>("org..a"), "Invalid NSID: empty segment");
    EXPECT_EQ(refusal<Nsid>("org.example."), "Invalid NSID: name empty or too long");
    EXPECT_EQ(refusal<Nsid>("org.-example.a"),
              "Invalid NSID: segment starts or ends with a hyphen");
    EXPECT_EQ(refusal<Nsid>("9org.example.a"), "Invalid NSID: starts with a digit");
    EXPECT_EQ(refusal<Nsid>("org.example.get-thing"),
              "Invalid NSID: name is not letters and digits that start with a letter");
    EXPECT_EQ(refusal<Nsid>("org.example.1st"),
              "Invalid NSID: name is not letters and digits that start with a letter");
    EXPECT_EQ(refusal<Nsid>("org.example." + std::string(64, 'n')),
              "Invalid NSID: name empty or too long");
    EXPECT_EQ(refusal<Nsid>("org." + std::string(64, 'n') + ".a"),
              "Invalid NSID: segment too long");
    std::string authority = "a";
    for (int i = 0; i < 126; ++i)
        authority += ".b";
    ASSERT_EQ(authority.size(), 253u);
    EXPECT_TRUE(is_valid<Nsid>(authority + "." + std::string(63, 'n')));
    EXPECT_EQ(refusal<Nsid>(authority + "." + std::string(64, 'n')), "Invalid NSID: too long");
}

TEST(RecordKey, IsASmallAlphabet) {
    for (const char* text : {"3kznmn7xqxl22", "self", "a", "did:web:a.org", "...", "~_-.:"})
        EXPECT_EQ(RecordKey::parse(text).value().text(), text);
    for (const char* text : {"", ".", "..", "a/b", "a b", "a%20", "\xc3\xa4"})
        EXPECT_FALSE(is_valid<RecordKey>(text)) << text;
    EXPECT_TRUE(is_valid<RecordKey>(std::string(512, 'k')));
    EXPECT_FALSE(is_valid<RecordKey>(std::string(513, 'k')));
}

TEST(Tid, HoldsATimeAndAClock) {
    EXPECT_EQ(Tid::from({0}, 0).text(), "2222222222222");
    EXPECT_EQ(Tid::from({0}, 1023).text(), "22222222222zz");
    EXPECT_EQ(Tid::from({(1ll << 53) - 1}, 1023).text(), "bzzzzzzzzzzzz");
    const Tid tid = Tid::from({1'700'000'000'123'456}, 77);
    EXPECT_EQ(tid.number(), 1'700'000'000'123'456ull << 10 | 77);
    EXPECT_EQ(Tid::parse(tid.text()).value(), tid);
    EXPECT_EQ(Tid::parse("jzzzzzzzzzzzz").value().number(), ~0ull);
    EXPECT_DEATH(Tid::from({-1}, 0), "53 bits");
    EXPECT_DEATH(Tid::from({0}, 1024), "10 bits");
}

TEST(Tid, SortsByTime) {
    std::mt19937_64 random(99);
    for (int i = 0; i < 1000; ++i) {
        const std::int64_t a = static_cast<std::int64_t>(random() >> 11);
        const std::int64_t b = a ^ (1ll << (random() % 53));
        EXPECT_EQ(Tid::from({a}, 5) < Tid::from({b}, 5), a < b);
    }
}

TEST(Tid, RefusesOtherTexts) {
    for (const char* text : {"", "222222222222", "22222222222222", "k222222222222", "2222222222221",
                             "222222222222A", "2222-222-2222-22"})
        EXPECT_FALSE(is_valid<Tid>(text)) << text;
}

TEST(AtUri, HasOneToThreeParts) {
    const AtUri full = AtUri::parse("at://did:web:a.org/org.a.post/3k").value();
    EXPECT_EQ(full.authority(), "did:web:a.org");
    EXPECT_EQ(full.collection(), "org.a.post");
    EXPECT_EQ(full.rkey(), "3k");
    const AtUri collection = AtUri::parse("at://a.org/org.a.post").value();
    EXPECT_EQ(collection.authority(), "a.org");
    EXPECT_EQ(collection.collection(), "org.a.post");
    EXPECT_EQ(collection.rkey(), "");
    const AtUri authority = AtUri::parse("at://a.org").value();
    EXPECT_EQ(authority.authority(), "a.org");
    EXPECT_EQ(authority.collection(), "");
    EXPECT_EQ(AtUri::of(Did::parse("did:web:a.org").value(), Nsid::parse("org.a.post").value(),
                        RecordKey::parse("3k").value()),
              full);
}

TEST(AtUri, IsNormalised) {
    EXPECT_EQ(AtUri::parse("at://A.Org/ORG.a.Post/Key").value().text(),
              "at://a.org/org.a.Post/Key");
}

TEST(AtUri, SaysWhatIsWrong) {
    EXPECT_EQ(refusal<AtUri>("https://a.org"), "Invalid AT URI: does not begin with \"at://\"");
    EXPECT_EQ(refusal<AtUri>("at://"), "Invalid AT URI: ends with a slash");
    EXPECT_EQ(refusal<AtUri>("at://a.org/"), "Invalid AT URI: ends with a slash");
    EXPECT_EQ(refusal<AtUri>("at://a.org/org.a.post/k/"), "Invalid AT URI: ends with a slash");
    EXPECT_EQ(refusal<AtUri>("at://org"),
              "Invalid AT URI: the authority is neither a DID nor a handle");
    EXPECT_EQ(refusal<AtUri>("at://a.org#x"),
              "Invalid AT URI: the authority is neither a DID nor a handle");
    EXPECT_EQ(refusal<AtUri>("at://a.org//k"), "Invalid AT URI: the collection is not an NSID");
    EXPECT_EQ(refusal<AtUri>("at://a.org/post/k"), "Invalid AT URI: the collection is not an NSID");
    EXPECT_EQ(refusal<AtUri>("at://a.org/org.a.post/k/l"),
              "Invalid AT URI: the last part is not a record key");
    EXPECT_EQ(refusal<AtUri>("at://a.org/org.a.post/k?q=1"),
              "Invalid AT URI: the last part is not a record key");
    EXPECT_EQ(refusal<AtUri>("at://a.org/org.a.post/" + std::string(8192, 'k')),
              "Invalid AT URI: too long");
}

TEST(Datetime, NamesAnInstant) {
    struct {
        const char* text;
        std::int64_t us;
    } const cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.0000019Z", 1},
        {"1970-01-01T00:00:01.5Z", 1'500'000},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2026-11-22T18:50:56.123Z", 1'795'373'456'123'000},
        {"2024-02-29T00:00:00Z", 1'709'164'800'000'000},
        {"0000-01-01T00:00:00Z", -62'167'219'200'000'000},
        {"9999-12-31T23:59:59.999999Z", 253'402'300'799'999'999},
    };
    for (auto [text, us] : cases)
        EXPECT_EQ(parse_datetime(text).value().us, us) << text;
}

TEST(Datetime, RoundTripsTheHousesOwnForm) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 2000; ++i) {
        const Timestamp time{static_cast<std::int64_t>(random() % 4'000'000'000'000) * 1000};
        EXPECT_EQ(parse_datetime(to_iso8601(time)).value(), time);
    }
}

TEST(Datetime, RefusesWhatIsNoInstant) {
    for (const char* text :
         {"", "2023-02-29T00:00:00Z", "2023-04-31T00:00:00Z", "2023-01-01T24:00:00Z",
          "2023-06-30T23:59:60Z", "2023-01-01T00:00:00", "2023-01-01T00:00:00.Z",
          "2023-01-01T00:00:00-00:00", "2023-01-01T00:00:00+24:00", "2023-01-01T00:00:00+01:60",
          "2023-01-01T00:00:00Zz", "2023-01-01T00:00:00+0100", "2023-01-01 00:00:00Z",
          "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "+2023-01-01T00:00:00Z"})
        EXPECT_FALSE(is_datetime(text)) << text;
    EXPECT_TRUE(is_datetime("2023-01-01T00:00:00." + std::string(43, '1') + "Z"));
    EXPECT_FALSE(is_datetime("2023-01-01T00:00:00." + std::string(44, '1') + "Z"));
}

TEST(Language, IsWellFormed) {
    for (const char* text :
         {"fr", "gsw", "fr-CA", "zh-yue-Hant-HK", "sl-nedis", "de-1996", "es-005", "x-a-b",
          "de-x-1", "I-KLINGON", "en-gb-OED", "abcdefgh", "en-a-bb-b-cc-x-d", "zh-aaa-bbb-ccc"})
        EXPECT_TRUE(is_language(text)) << text;
    for (const char* text : {"", "-", "f", "fr-", "-fr", "fr--CA", "fr_CA", "fr-C", "x", "x-",
                             "fr-x", "en-a", "en-a-x-b", "abcdefghi", "i-unheard", "f1",
                             "en-toolongtag", "zh-aaa-bbb-ccc-ddd", "en-a-b"})
        EXPECT_FALSE(is_language(text)) << text;
}

TEST(Uri, IsASchemeAndARest) {
    for (const char* text :
         {"https://example.org/a?b=c#d", "mailto:a@b", "did:web:a.org", "dns:a", "web+ap:x",
          "file:///tmp/x", "at://a.org", "ipfs://bafy", "a:\xc3\xa9", "1_a:b"})
        EXPECT_TRUE(is_uri(text)) << text;
    for (const char* text : {"", ":", "a", "https:", "https://", ":x", "a b:c", "a:b c", "a:\n",
                             "a:\xc2\xa0", "a:b\xe2\x80\x83", "a:\xe3\x80\x80", "/a:b",
                             "\xc3\xa9:x", "1-a:b", "-a:b", "a_-b:c", "2026-01-01T00:00:00Z"})
        EXPECT_FALSE(is_uri(text)) << text;
    EXPECT_TRUE(is_uri("a:" + std::string(8190, 'b')));
    EXPECT_FALSE(is_uri("a:" + std::string(8191, 'b')));
}

TEST(AtIdentifier, IsADidOrAHandle) {
    EXPECT_TRUE(is_at_identifier("did:web:a.org"));
    EXPECT_TRUE(is_at_identifier("a.org"));
    EXPECT_FALSE(is_at_identifier("did:web"));
    EXPECT_FALSE(is_at_identifier("@a.org"));
}

}  // namespace
}  // namespace roost::atproto
