#include "pds/plc_directory/plc_directory.h"

#include <gtest/gtest.h>

#include "atproto/data/json.h"
#include "atproto/plc/operation.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

namespace plc = atproto::plc;
using testing::name_of;

constexpr Timestamp start{1'800'000'000'000'000};

class PlcDirectoryTest : public ::testing::Test {
  protected:
    plc::State state_with(std::string_view handle) {
        return plc::make_state(testing::handle_of(handle), weak_.public_key(), "https://pds.test",
                               {strong_.public_key(), weak_.public_key()});
    }
    std::string submit(const plc::Operation& operation, Timestamp at = start) {
        return submit_text(atproto::json::write(operation.value()), at);
    }
    std::string submit_text(std::string text, Timestamp at = start) {
        return name_of(bed_.loop.run(directory_.submit(did_, std::move(text), at)));
    }
    std::vector<PlcDirectory::Entry> log() {
        return testing::must(bed_.loop.run(directory_.log(did_)));
    }

    testing::TestDatabase bed_;
    PlcDirectory directory_{bed_.db()};
    atproto::PrivateKey strong_ = atproto::PrivateKey::generate(atproto::Curve::p256);
    atproto::PrivateKey weak_ = atproto::PrivateKey::generate(atproto::Curve::k256);
    plc::Operation genesis_ = plc::Operation::sign(state_with("ann.test"), std::nullopt, weak_);
    plc::Operation change_ = plc::Operation::sign(state_with("eve.test"), genesis_.cid(), weak_);
    plc::Operation recovery_ = plc::Operation::sign(state_with("ann.net"), genesis_.cid(), strong_);
    atproto::Did did_ = genesis_.make_did();
};

TEST_F(PlcDirectoryTest, KeepsTheLogInOrder) {
    EXPECT_TRUE(log().empty());
    EXPECT_EQ(submit(genesis_), "");
    EXPECT_EQ(submit(change_, start.plus_s(10)), "");
    const auto entries = log();
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[0].did, did_);
    EXPECT_EQ(entries[0].cid, genesis_.cid().text());
    EXPECT_EQ(entries[0].created_at, start);
    EXPECT_EQ(atproto::json::parse(entries[0].operation).value(), genesis_.value());
    EXPECT_EQ(entries[1].cid, change_.cid().text());
    EXPECT_FALSE(entries[0].is_nullified);
}

TEST_F(PlcDirectoryTest, RefusesWhatThePublicOneRefuses) {
    EXPECT_NE(submit(change_), "") << "no log yet";
    EXPECT_NE(submit_text("{}"), "");
    EXPECT_NE(submit_text("not json"), "");
    ASSERT_EQ(submit(genesis_), "");
    EXPECT_NE(submit(genesis_), "") << "twice";
    const auto stranger = atproto::PrivateKey::generate(atproto::Curve::k256);
    EXPECT_EQ(submit(plc::Operation::sign(state_with("eve.test"), genesis_.cid(), stranger)),
              "InvalidSignature");
    EXPECT_EQ(log().size(), 1U);
}

TEST_F(PlcDirectoryTest, AStrongerKeyTakesBackWithin72Hours) {
    ASSERT_EQ(submit(genesis_), "");
    ASSERT_EQ(submit(change_, start.plus_s(10)), "");
    EXPECT_EQ(submit(recovery_, start.plus_s(20)), "");
    const auto entries = log();
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_FALSE(entries[0].is_nullified);
    EXPECT_TRUE(entries[1].is_nullified);
    EXPECT_FALSE(entries[2].is_nullified);
    EXPECT_NE(submit(plc::Operation::sign(state_with("eve.test"), change_.cid(), weak_),
                     start.plus_s(30)),
              "")
        << "nothing follows what was nullified";
}

TEST_F(PlcDirectoryTest, AndNotLater) {
    ASSERT_EQ(submit(genesis_), "");
    ASSERT_EQ(submit(change_, start.plus_s(10)), "");
    EXPECT_EQ(submit(recovery_, start.plus_s(10 + 72 * 60 * 60 + 1)), "LateRecovery");
    EXPECT_FALSE(log().at(1).is_nullified);
}

TEST_F(PlcDirectoryTest, ExportsWhatCameAfterATime) {
    ASSERT_EQ(submit(genesis_), "");
    ASSERT_EQ(submit(change_, start.plus_s(10)), "");
    const auto after = [&](Timestamp time, std::int64_t limit) {
        return testing::must(bed_.loop.run(directory_.export_after(time, limit)));
    };
    EXPECT_EQ(after({}, 10).size(), 2U);
    EXPECT_EQ(after({}, 1).at(0).cid, genesis_.cid().text());
    EXPECT_EQ(after(start, 10).at(0).cid, change_.cid().text());
    EXPECT_TRUE(after(start.plus_s(10), 10).empty());
}

}  // namespace
}  // namespace roost::pds
