#include "atproto/plc/log.h"

#include <gtest/gtest.h>

namespace roost::atproto::plc {
namespace {

constexpr Timestamp start{1'700'000'000'000'000};
constexpr std::int64_t hour_s = 3600;

PrivateKey key_of(std::uint8_t byte) {
    return *PrivateKey::from_raw(byte % 2 ? Curve::k256 : Curve::p256,
                                 SecretBytes(Bytes(32, byte)));
}

State state_named(std::string_view handle, const std::vector<PublicKey>& rotation_keys) {
    return make_state(*Handle::parse(handle), key_of(9).public_key(), "https://pds.test",
                      rotation_keys);
}

// An identity with a strong, a middle and a weak rotation key.
class PlcLog : public testing::Test {
  protected:
    PrivateKey strong = key_of(1);
    PrivateKey middle = key_of(2);
    PrivateKey weak = key_of(3);
    PrivateKey stranger = key_of(4);
    std::vector<PublicKey> keys = {strong.public_key(), middle.public_key(), weak.public_key()};
    Operation genesis = Operation::sign(state_named("a.test", keys), std::nullopt, weak);
    Did did = genesis.make_did();

    Operation update(const Operation& prev, std::string_view handle, const PrivateKey& key) {
        return Operation::sign(state_named(handle, keys), prev.cid(), key);
    }
    std::string error_of(const auto& result) {
        if (result) return "accepted";
        EXPECT_EQ(result.error().fault, Fault::invalid);
        return result.error().name;
    }
};

TEST_F(PlcLog, FollowsAChain) {
    const Operation second = update(genesis, "b.test", weak);
    const Operation third = update(second, "c.test", strong);
    const Result<std::optional<State>> state = verify_log(did, std::vector{genesis, second, third});
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(*state, state_named("c.test", keys));
    EXPECT_EQ(error_of(verify_log(did, std::vector{genesis, third, second})),
              "MisorderedOperation");
    EXPECT_EQ(error_of(verify_log(did, std::vector{genesis, third})), "MisorderedOperation");
    EXPECT_EQ(error_of(verify_log(did, std::vector{second, third})), "MisorderedOperation");
    EXPECT_EQ(error_of(verify_log(did, std::vector{genesis, genesis})), "MisorderedOperation");
    EXPECT_EQ(error_of(verify_log(did, {})), "MisorderedOperation");
}

TEST_F(PlcLog, TheGenesisMakesTheDid) {
    EXPECT_EQ(
        error_of(verify_log(*Did::parse("did:plc:csqcj33mgndnjg5fer2cmkff"), std::vector{genesis})),
        "GenesisHashMismatch");
    const Operation foreign = Operation::sign(state_named("a.test", keys), std::nullopt, stranger);
    EXPECT_EQ(error_of(verify_log(foreign.make_did(), std::vector{foreign})), "InvalidSignature");
    const Operation tombstone = Operation::sign_tombstone(genesis.cid(), weak);
    EXPECT_EQ(error_of(verify_log(did, std::vector{tombstone})), "MisorderedOperation");
}

TEST_F(PlcLog, OnlyThePredecessorsKeysSign) {
    EXPECT_EQ(error_of(verify_log(did, std::vector{genesis, update(genesis, "b.test", stranger)})),
              "InvalidSignature");
    // Keys change hands: the new key signs from the next operation on, the old ones no more.
    const Operation handed =
        Operation::sign(state_named("b.test", {stranger.public_key()}), genesis.cid(), strong);
    EXPECT_TRUE(verify_log(did, std::vector{genesis, handed, update(handed, "c.test", stranger)}));
    EXPECT_EQ(
        error_of(verify_log(did, std::vector{genesis, handed, update(handed, "c.test", strong)})),
        "InvalidSignature");
}

TEST_F(PlcLog, ATombstoneEndsTheLog) {
    const Operation tombstone = Operation::sign_tombstone(genesis.cid(), weak);
    const Result<std::optional<State>> state = verify_log(did, std::vector{genesis, tombstone});
    ASSERT_TRUE(state);
    EXPECT_EQ(*state, std::nullopt);
    const Operation after = update(tombstone, "b.test", weak);
    EXPECT_EQ(error_of(verify_log(did, std::vector{genesis, tombstone, after})),
              "MisorderedOperation");
}

TEST_F(PlcLog, AStrongerKeyUndoesWithinTheWindow) {
    const LogEntry first{genesis, start};
    const LogEntry second{update(genesis, "b.test", middle), start.plus_s(hour_s)};
    const LogEntry third{update(second.operation, "c.test", weak), start.plus_s(2 * hour_s)};
    const std::vector log = {first, second, third};
    const Timestamp deadline = second.created.plus_s(72 * hour_s);

    const auto undo_by = [&](const PrivateKey& key, Timestamp created) {
        return check_next(did, log, update(genesis, "d.test", key), created);
    };
    EXPECT_EQ(undo_by(strong, deadline), 2U);
    EXPECT_EQ(error_of(undo_by(strong, {deadline.us + 1})), "LateRecovery");
    EXPECT_EQ(error_of(undo_by(middle, start.plus_s(3 * hour_s))), "InvalidSignature");  // equal
    EXPECT_EQ(error_of(undo_by(weak, start.plus_s(3 * hour_s))), "InvalidSignature");

    // The third alone was signed by the weak key, so the middle one is enough.
    EXPECT_EQ(check_next(did, log, update(second.operation, "d.test", middle), deadline), 1U);
    EXPECT_EQ(check_next(did, log, update(third.operation, "d.test", weak), deadline), 0U);
    const Operation unknown_prev = update(update(genesis, "x.test", weak), "y.test", strong);
    EXPECT_EQ(error_of(check_next(did, log, unknown_prev, deadline)), "MisorderedOperation");
}

TEST_F(PlcLog, ATombstoneCanBeUndone) {
    const LogEntry first{genesis, start};
    const LogEntry end{Operation::sign_tombstone(genesis.cid(), weak), start.plus_s(hour_s)};
    const std::vector log = {first, end};
    const Operation rescue = update(genesis, "b.test", strong);
    EXPECT_EQ(check_next(did, log, rescue, start.plus_s(2 * hour_s)), 1U);
    EXPECT_EQ(error_of(check_next(did, log, update(end.operation, "b.test", strong),
                                  start.plus_s(2 * hour_s))),
              "MisorderedOperation");
}

TEST_F(PlcLog, AnAuditLogMarksWhatWasUndone) {
    const Operation stolen = update(genesis, "thief.test", weak);
    const Operation spent = update(stolen, "spent.test", weak);
    const Operation rescue = update(genesis, "safe.test", strong);
    std::vector<LogEntry> log = {{genesis, start, false},
                                 {stolen, start.plus_s(1), true},
                                 {spent, start.plus_s(2), true},
                                 {rescue, start.plus_s(3), false}};
    const Result<std::optional<State>> state = verify_audit_log(did, log);
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(*state, state_named("safe.test", keys));

    for (std::size_t i = 0; i < log.size(); ++i) {
        std::vector<LogEntry> wrong = log;
        wrong[i].nullified = !wrong[i].nullified;
        EXPECT_EQ(error_of(verify_audit_log(did, wrong)), "MisorderedOperation") << i;
    }
    log.back().created = start.plus_s(1 + 72 * hour_s).plus_ms(1);
    EXPECT_EQ(error_of(verify_audit_log(did, log)), "LateRecovery");
    // An undone operation is no predecessor any more.
    log.back().created = start.plus_s(3);
    log.push_back({update(spent, "again.test", weak), start.plus_s(4), false});
    EXPECT_EQ(error_of(verify_audit_log(did, log)), "MisorderedOperation");
}

}  // namespace
}  // namespace roost::atproto::plc
