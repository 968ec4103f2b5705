#include "pds/sync/frames.h"

#include <gtest/gtest.h>

#include <random>

#include "atproto/data/cbor.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using atproto::Array;
using atproto::Object;
using atproto::Value;

// The payload of a frame, after a look at its WebSocket head.
ByteView payload_of(const net::SharedFrame& frame) {
    const Bytes& bytes = *frame;
    EXPECT_EQ(bytes[0], 0x82);
    const std::size_t head = bytes[1] < 126 ? 2 : bytes[1] == 126 ? 4 : 10;
    std::size_t size = head == 2 ? bytes[1] : 0;
    for (std::size_t i = 2; i < head; ++i)
        size = size << 8 | bytes[i];
    EXPECT_EQ(size, bytes.size() - head);
    return ByteView(bytes).subspan(head);
}

Bytes two_objects(const Object& header, const Object& message) {
    Bytes bytes = atproto::cbor::encode(header);
    append(bytes, atproto::cbor::encode(message));
    return bytes;
}

Bytes as_vector(ByteView bytes) {
    return {bytes.begin(), bytes.end()};
}

constexpr Timestamp time{1'700'000'000'123'456};

// Encoding the whole event afresh gives the same bytes as putting the two members in.
void expect_spliced(std::string_view kind, const Object& body, std::int64_t seq) {
    Object whole = body;
    whole.set("seq", seq);
    whole.set("time", to_iso8601(time));
    const Object header{{"op", 1}, {"t", "#" + std::string(kind)}};
    EXPECT_EQ(as_vector(payload_of(event_frame(kind, seq, time, atproto::cbor::encode(body)))),
              two_objects(header, whole));
}

TEST(Frames, AreWhatEncodingTheWholeEventGives) {
    const auto cid = atproto::Cid::of(atproto::Codec::dag_cbor, as_bytes("x"));
    expect_spliced("identity", {{"did", "did:web:a.test"}}, 1);
    expect_spliced("identity", {{"did", "did:web:a.test"}, {"handle", "a.test"}}, 23);
    expect_spliced("account", {{"did", "did:web:a.test"}, {"active", true}}, 24);
    expect_spliced("account",
                   {{"did", "did:web:a.test"}, {"active", false}, {"status", "takendown"}},
                   (1LL << 53) - 1);
    expect_spliced("sync", {{"did", "did:web:a.test"}, {"rev", "3k"}, {"blocks", Bytes(70'000, 7)}},
                   255);
    expect_spliced("commit",
                   {{"repo", "did:web:a.test"},
                    {"commit", cid},
                    {"rev", "3k"},
                    {"since", nullptr},
                    {"blocks", Bytes(300, 7)},
                    {"ops", Array{Object{{"action", "create"}, {"path", "a/b"}, {"cid", cid}},
                                  Object{{"action", "delete"}, {"path", "a/c"}, {"cid", nullptr}}}},
                    {"blobs", Array{}},
                    {"prevData", cid},
                    {"rebase", false},
                    {"tooBig", false}},
                   1'700'000'000'123'456);
}

TEST(Frames, PutTheirMembersWhereTheyBelongAmongAnyOthers) {
    std::mt19937 random(4);  // NOLINT(cert-msc51-cpp): the same each time
    const std::vector<std::string> keys = {"",      "a",     "z",    "sep", "ser",  "sez",
                                           "se",    "timd",  "timf", "zzz", "aaaa", "zzzz",
                                           "five5", "time5", "seqs", "tim"};
    for (int round = 0; round < 500; ++round) {
        Object body;
        for (const std::string& key : keys) {
            if (random() % 2 != 0) continue;
            switch (random() % 5) {
                case 0:
                    body.set(key, static_cast<std::int64_t>(random()));
                    break;
                case 1:
                    body.set(key, std::string(random() % 300, 'x'));
                    break;
                case 2:
                    body.set(key, Bytes(random() % 70'000, 1));
                    break;
                case 3:
                    body.set(key, Array{Object{{"seq", 1}, {"time", Array{1, "2", nullptr}}}, -5});
                    break;
                default:
                    body.set(key, nullptr);
            }
        }
        expect_spliced("sync", body, static_cast<std::int64_t>(random()));
    }
}

TEST(Frames, ErrorsAndInfosHaveNoNumber) {
    EXPECT_EQ(as_vector(payload_of(error_frame("FutureCursor", "Cursor in the future."))),
              two_objects({{"op", -1}},
                          {{"error", "FutureCursor"}, {"message", "Cursor in the future."}}));
    EXPECT_EQ(
        as_vector(payload_of(info_frame("OutdatedCursor", "why"))),
        two_objects({{"op", 1}, {"t", "#info"}}, {{"name", "OutdatedCursor"}, {"message", "why"}}));
}

TEST(FramesDeathTest, RefuseWhatIsNotOurs) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto frame = [](const Value& body) {
        return event_frame("sync", 1, time, atproto::cbor::encode(body));
    };
    EXPECT_DEATH(frame(Array{}), "the body of an event is a map");
    EXPECT_DEATH(frame(Object{{"seq", 1}}), "gets its number when it is framed");
    EXPECT_DEATH(frame(Object{{"blocks", Bytes(5'000'000, 1)}}), "fits into a frame");
    EXPECT_DEATH(event_frame("sync", 1, time, as_bytes("\xa1\x63")), "is whole");
}

}  // namespace
}  // namespace roost::pds
