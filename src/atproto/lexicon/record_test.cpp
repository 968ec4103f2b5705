// Records against their lexicons: validate_record(), with the documents of this house.
#include <gtest/gtest.h>

#include "atproto/lexicon/test_catalog.h"
#include "atproto/lexicon/validate.h"

namespace roost::lexicon {
namespace {

using atproto::Value;

constexpr const char* tid = "3jui7kd54zh2y";
constexpr const char* post_uri =
    "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jui7kd54zh2y";
constexpr const char* strong_ref =
    R"({"uri": "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jui7kd54zh2y",
        "cid": "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a"})";
constexpr const char* raw = "bafkreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454";

const Catalog& house() {
    static const Catalog catalog = house_catalog();
    return catalog;
}

std::string verdict(std::string_view collection, const std::string& record,
                    std::string_view key = tid, LegacyBlobs legacy = LegacyBlobs::refuse) {
    const Value value = json_value(record);
    const auto status =
        validate_record(house(), collection, {.key = key, .value = value, .legacy_blobs = legacy});
    if (!status) return status.error().message;
    return *status == RecordStatus::valid ? "ok" : "unknown";
}

std::string post(const std::string& more, const std::string& text = "hi") {
    return R"({"$type": "app.bsky.feed.post", "text": ")" + text +
           R"(", "createdAt": "2026-08-20T12:34:56.789Z")" + more + "}";
}
std::string post_verdict(const std::string& more) {
    const std::string all = verdict("app.bsky.feed.post", post(more));
    constexpr std::string_view start = "Invalid app.bsky.feed.post record: ";
    return all.starts_with(start) ? all.substr(start.size()) : all;
}
std::string image(const std::string& size, const std::string& mime = "image/png") {
    return R"({"$type": "blob", "ref": {"$link": ")" + std::string(raw) + R"("}, "mimeType": ")" +
           mime + R"(", "size": )" + size + "}";
}
std::string images(const std::string& blob) {
    return R"(, "embed": {"$type": "app.bsky.embed.images", "images": [{"alt": "", "image": )" +
           blob + "}]}";
}

TEST(Records, OfKnownAndUnknownCollections) {
    EXPECT_EQ(verdict("app.bsky.feed.post", post("")), "ok");
    EXPECT_EQ(verdict("app.bsky.feed.post", post("", "")), "ok") << "no words are fine";
    EXPECT_EQ(verdict("a.b.c", R"({"$type": "a.b.c"})"), "unknown");
    EXPECT_EQ(verdict("com.atproto.repo.createRecord", "{}"), "unknown") << "no record";
    EXPECT_EQ(verdict("app.bsky.embed.images", "{}"), "unknown") << "only a part of records";
}

TEST(Records, NeedTheirType) {
    EXPECT_EQ(verdict("app.bsky.feed.like", R"({"subject": 3})"),
              "Invalid app.bsky.feed.like record: Missing required key \"$type\" at $.record");
    EXPECT_EQ(verdict("app.bsky.feed.like", R"({"$type": "app.bsky.feed.post"})"),
              "Invalid app.bsky.feed.like record: Expected \"app.bsky.feed.like\" "
              "(got \"app.bsky.feed.post\") at $.record.$type");
    EXPECT_EQ(verdict("app.bsky.feed.like", R"({"$type": "app.bsky.feed.like#main"})"),
              "Invalid app.bsky.feed.like record: Expected \"app.bsky.feed.like\" "
              "(got \"app.bsky.feed.like#main\") at $.record.$type")
        << "the specification wants the bare name";
    EXPECT_EQ(verdict("app.bsky.feed.like", "[]"),
              "Invalid app.bsky.feed.like record: Expected object value type (got []) at $.record");
    const Value value = json_value(R"({"$type": "app.bsky.feed.like"})");
    const auto refused = validate_record(
        house(), "app.bsky.feed.like", {.key = tid, .value = value, .place = "$.writes[2].value"});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, Fault::invalid);
    EXPECT_EQ(refused.error().name, "InvalidRequest");
    EXPECT_EQ(refused.error().message,
              "Invalid app.bsky.feed.like record: Missing required key \"subject\" at "
              "$.writes[2].value");
}

TEST(Records, HaveTheKeysOfTheirKind) {
    const std::string profile = R"({"$type": "app.bsky.actor.profile"})";
    EXPECT_EQ(verdict("app.bsky.actor.profile", profile, "self"), "ok");
    EXPECT_EQ(
        verdict("app.bsky.actor.profile", profile, "Self"),
        "Invalid record key for app.bsky.actor.profile: Expected \"self\" (got \"Self\") at $");
    EXPECT_EQ(verdict("app.bsky.feed.post", post(""), "self"),
              "Invalid record key for app.bsky.feed.post: Invalid TID string (got \"self\") at $");
    EXPECT_EQ(verdict("app.bsky.feed.post", "3", ""),
              "Invalid record key for app.bsky.feed.post: Invalid TID string (got \"\") at $")
        << "the key comes first";
    const std::string schema = R"({"$type": "com.atproto.lexicon.schema", "lexicon": 1})";
    EXPECT_EQ(verdict("com.atproto.lexicon.schema", schema, "com.example.thing"), "ok");
    EXPECT_EQ(verdict("com.atproto.lexicon.schema", schema, tid),
              "Invalid record key for com.atproto.lexicon.schema: Invalid NSID "
              "(got \"3jui7kd54zh2y\") at $");
    const std::string generator =
        R"({"$type": "app.bsky.feed.generator", "did": "did:web:a.example",
        "displayName": "a", "createdAt": "2026-08-20T12:34:56Z"})";
    EXPECT_EQ(verdict("app.bsky.feed.generator", generator, "any-thing_~:.1"), "ok");
    EXPECT_EQ(
        verdict("app.bsky.feed.generator", generator, ".."),
        "Invalid record key for app.bsky.feed.generator: Invalid record key (got \"..\") at $");
}

TEST(Records, FollowTheirReferences) {
    EXPECT_EQ(post_verdict(R"(, "reply": {"root": )" + std::string(strong_ref) + R"(, "parent": )" +
                           strong_ref + "}"),
              "ok");
    EXPECT_EQ(post_verdict(R"(, "reply": {"root": )" + std::string(strong_ref) + "}"),
              "Missing required key \"parent\" at $.record.reply");
    EXPECT_EQ(post_verdict(R"(, "langs": ["en", "x y"])"),
              "Invalid language (got \"x y\") at $.record.langs[1]");
    EXPECT_EQ(post_verdict(R"(, "langs": ["en", "de", "fr", "it"])"),
              "array too big (maximum 3, got 4) at $.record.langs");
    EXPECT_EQ(post_verdict(R"(, "tags": [")" + std::string(65, 'a') + "\"]"),
              "grapheme too big (maximum 64, got 65) at $.record.tags[0]");
    EXPECT_EQ(post_verdict(R"(, "unheardOf": {"a": [1]})"), "ok");
    EXPECT_EQ(verdict("app.bsky.feed.like", R"({"$type": "app.bsky.feed.like", "subject": )" +
                                                std::string(strong_ref) +
                                                R"(, "createdAt": "2026-08-20"})"),
              "Invalid app.bsky.feed.like record: Invalid datetime (got \"2026-08-20\") at "
              "$.record.createdAt");
}

TEST(Records, HaveOpenAndClosedUnions) {
    const auto facet = [](const std::string& feature) {
        return R"(, "facets": [{"index": {"byteStart": 0, "byteEnd": 2}, "features": [)" + feature +
               "]}]";
    };
    EXPECT_EQ(post_verdict(facet(R"({"$type": "app.bsky.richtext.facet#tag", "tag": "a"})")), "ok");
    EXPECT_EQ(post_verdict(facet(R"({"$type": "app.bsky.richtext.facet#tag"})")),
              "Missing required key \"tag\" at $.record.facets[0].features[0]");
    EXPECT_EQ(post_verdict(facet(R"({"$type": "a.b.c#new", "tag": 3})")), "ok");
    EXPECT_EQ(post_verdict(facet(R"({"tag": "a"})")),
              "Expected an object which includes the \"$type\" property value type (got {\"tag\": "
              "...}) at $.record.facets[0].features[0]");
    EXPECT_EQ(post_verdict(facet(R"({"$type": 3})")),
              "Expected string value type (got 3) at $.record.facets[0].features[0].$type");
    const auto writes = [](const std::string& write) {
        Value input = json_value(R"({"repo": "a.example", "writes": [)" + write + "]}");
        const auto done = validate_input(house(), "com.atproto.repo.applyWrites", input);
        return done ? "ok" : done.error().message;
    };
    EXPECT_EQ(writes(R"({"$type": "com.atproto.repo.applyWrites#delete", "collection": "a.b.c",
                         "rkey": "x"})"),
              "ok");
    EXPECT_EQ(writes(R"({"$type": "a.b.c#drop"})"),
              "Expected one of \"com.atproto.repo.applyWrites#create\", "
              "\"com.atproto.repo.applyWrites#update\" or \"com.atproto.repo.applyWrites#delete\" "
              "(got \"a.b.c#drop\") at $.writes[0].$type");
}

TEST(Records, HoldBlobs) {
    EXPECT_EQ(post_verdict(images(image("2000000"))), "ok");
    EXPECT_EQ(post_verdict(images(image("2000001"))),
              "blob too big (maximum 2000000, got 2000001) at $.record.embed.images[0].image");
    EXPECT_EQ(post_verdict(images(image("1", "text/plain"))),
              "Expected \"image/*\" (got \"text/plain\") at "
              "$.record.embed.images[0].image.mimeType");
    const std::string old = R"({"cid": ")" + std::string(raw) + R"(", "mimeType": "image/jpeg"})";
    EXPECT_EQ(post_verdict(images(old)),
              "Expected blob value type (got {\"cid\": ..., \"mimeType\": ...}) at "
              "$.record.embed.images[0].image");
    EXPECT_EQ(verdict("app.bsky.feed.post", post(images(old)), tid, LegacyBlobs::accept), "ok");
    const std::string old_text = R"({"cid": ")" + std::string(raw) + R"(", "mimeType": "a/b"})";
    EXPECT_EQ(verdict("app.bsky.feed.post", post(images(old_text)), tid, LegacyBlobs::accept),
              "Invalid app.bsky.feed.post record: Expected \"image/*\" (got \"a/b\") at "
              "$.record.embed.images[0].image.mimeType");
}

// The same texts that clients count: a family is one grapheme of 25 bytes.
TEST(Records, CountGraphemesAndBytes) {
    const std::string family = "👨‍👩‍👧‍👦";
    std::string text;
    for (int i = 0; i < 120; ++i)
        text += family;
    EXPECT_EQ(verdict("app.bsky.feed.post", post("", text)), "ok") << "120 graphemes, 3000 bytes";
    EXPECT_EQ(verdict("app.bsky.feed.post", post("", text + "a")),
              "Invalid app.bsky.feed.post record: string too big (maximum 3000, got 3001) at "
              "$.record.text");
    EXPECT_EQ(verdict("app.bsky.feed.post", post("", std::string(300, 'a'))), "ok");
    EXPECT_EQ(verdict("app.bsky.feed.post", post("", std::string(301, 'a'))),
              "Invalid app.bsky.feed.post record: grapheme too big (maximum 300, got 301) at "
              "$.record.text");
}

// A record of each kind that people make, so that every document is walked.
TEST(Records, OfEachKindPass) {
    const std::string at = R"(, "createdAt": "2026-08-20T12:34:56Z"})";
    const std::string did = R"("did:plc:ewvi7nxzyoun6zhxrhs64oiz")";
    const auto expect_ok = [](const std::string& nsid, const std::string& rest,
                              std::string_view key = tid) {
        EXPECT_EQ(verdict(nsid, R"({"$type": ")" + nsid + "\"" + rest, key), "ok") << nsid;
    };
    const std::string uri = std::string("\"") + post_uri + "\"";
    expect_ok("app.bsky.feed.repost", R"(, "subject": )" + std::string(strong_ref) + at);
    expect_ok("app.bsky.graph.follow", R"(, "subject": )" + did + at);
    expect_ok("app.bsky.graph.block", R"(, "subject": )" + did + at);
    expect_ok("app.bsky.graph.listblock", R"(, "subject": )" + uri + at);
    expect_ok("app.bsky.graph.listitem", R"(, "subject": )" + did + R"(, "list": )" + uri + at);
    expect_ok("app.bsky.graph.list",
              R"(, "purpose": "app.bsky.graph.defs#curatelist", "name": "a")" + at);
    expect_ok("app.bsky.graph.starterpack", R"(, "name": "a", "list": )" + uri + at);
    expect_ok("app.bsky.graph.verification",
              R"(, "subject": )" + did + R"(, "handle": "a.example", "displayName": "")" + at);
    expect_ok(
        "app.bsky.feed.threadgate",
        R"(, "allow": [{"$type": "app.bsky.feed.threadgate#mentionRule"}], "post": )" + uri + at);
    expect_ok("app.bsky.feed.postgate", R"(, "post": )" + uri + at);
    expect_ok("app.bsky.labeler.service", R"(, "policies": {"labelValues": ["spam"]})" + at,
              "self");
    expect_ok("app.bsky.notification.declaration", R"(, "allowSubscriptions": "mutuals"})", "self");
    expect_ok("app.bsky.actor.status", R"(, "status": "app.bsky.actor.status#live")" + at, "self");
    expect_ok("app.bsky.actor.profile",
              R"(, "avatar": )" + image("1") + R"(, "pinnedPost": )" + strong_ref + "}", "self");
    expect_ok("chat.bsky.actor.declaration", R"(, "allowIncoming": "all"})", "self");
    int records = 0;
    for (const Document* document : house().documents())
        records += house().record(document->id) == nullptr ? 0 : 1;
    EXPECT_EQ(records, 20);
}

}  // namespace
}  // namespace roost::lexicon
