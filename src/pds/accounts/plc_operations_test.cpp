#include "pds/accounts/plc_operations.h"

#include <gtest/gtest.h>

#include "pds/accounts/email_tokens.h"
#include "pds/testing_sign_up.h"

namespace roost::pds {
namespace {

using atproto::Object;
using email_tokens::Purpose;
using testing::must;
using testing::name_of;
using Plc = testing::FakeNetwork::Plc;

class PlcOperationsTest : public ::testing::Test {
  protected:
    PlcOperationsTest() { bed_.execute("DELETE FROM event"); }

    std::string code(Purpose purpose = Purpose::plc_operation) {
        return bed_.write([&](db::Transaction& t) {
            return email_tokens::create(t, ann_.id, purpose, now()).value().reveal();
        });
    }
    Result<atproto::plc::Operation> sign(std::string with_code, PlcOperations::Changes changes) {
        return bed_.loop.run(operations_.sign(ann_, std::move(with_code), std::move(changes)));
    }
    Result<void> submit(const atproto::Value& operation) {
        return bed_.loop.run(operations_.submit(ann_, operation));
    }
    atproto::plc::Operation last() {
        return *must(bed_.loop.run(bed_.plc.last_operation(ann_.did)));
    }
    // An operation of that state, and what becomes of it.
    std::string refusal_of(const atproto::plc::State& state) {
        const auto operation =
            atproto::plc::Operation::sign(state, last().cid(), bed_.rotation_key);
        const Result<void> done = submit(operation.value());
        return done.has_value() ? "" : done.error().message;
    }
    std::size_t events() { return bed_.events().size(); }

    testing::SignUpBed bed_;
    Account ann_ = must(bed_.create(bed_.request("ann"))).account;
    IdentityTurns turns_;
    PlcOperations operations_{{.db = bed_.db(),
                               .vault = bed_.vault,
                               .plc = bed_.plc,
                               .resolver = bed_.resolver,
                               .turns = turns_},
                              {.public_url = std::string(testing::public_url),
                               .rotation_key = bed_.rotation_key,
                               .operator_recovery_key = bed_.operator_key.public_key()}};
};

TEST_F(PlcOperationsTest, RecommendsWhatASignUpMakes) {
    EXPECT_EQ(must(bed_.loop.run(operations_.recommended(ann_))), last().state());
}

TEST_F(PlcOperationsTest, SignsWhatIsAskedForAndKeepsTheRest) {
    const auto before = last();
    const auto other = atproto::PrivateKey::generate(atproto::Curve::p256).public_key().did_key();
    const auto operation =
        must(sign(code(), {.rotation_keys = std::vector{other},
                           .also_known_as = {},
                           .verification_methods = atproto::Value(Object{{"atproto", other}}),
                           .services = atproto::Value(Object{
                               {"atproto_pds", Object{{"type", "AtprotoPersonalDataServer"},
                                                      {"endpoint", "https://elsewhere.test"}}}})}));
    EXPECT_EQ(operation.prev(), before.cid());
    EXPECT_TRUE(operation.is_signed_by(bed_.rotation_key.public_key()));
    EXPECT_EQ(operation.state().rotation_keys, std::vector{other});
    EXPECT_EQ(operation.state().also_known_as, before.state().also_known_as);
    EXPECT_EQ(operation.state().verification_methods.at(0).second, other);
    EXPECT_EQ(operation.state().services.at(0).second.endpoint, "https://elsewhere.test");
    EXPECT_EQ(last().cid(), before.cid()) << "nothing is sent";
}

TEST_F(PlcOperationsTest, TheCodeIsBoundToItsPurposeAndUsedOnce) {
    EXPECT_EQ(name_of(sign("AAAAA-BBBBB", {})), "InvalidToken");
    EXPECT_EQ(name_of(sign(code(Purpose::delete_account), {})), "InvalidToken");
    const std::string good = code();
    EXPECT_EQ(name_of(sign(good, {})), "");
    EXPECT_EQ(name_of(sign(good, {})), "InvalidToken");
}

TEST_F(PlcOperationsTest, ACodeIsNotUsedUpByWhatCannotBeSigned) {
    const std::string good = code();
    EXPECT_EQ(name_of(sign(good, {.rotation_keys = std::vector<std::string>{"did:key:zNo"},
                                  .also_known_as = {},
                                  .verification_methods = {},
                                  .services = {}})),
              "InvalidOperation");
    EXPECT_EQ(name_of(sign(good, {.rotation_keys = {},
                                  .also_known_as = {},
                                  .verification_methods = atproto::Value("text"),
                                  .services = {}})),
              "InvalidOperation");
    EXPECT_EQ(name_of(sign(good, {.rotation_keys = {},
                                  .also_known_as = {},
                                  .verification_methods = {},
                                  .services = atproto::Value(Object{{"x", "y"}})})),
              "InvalidOperation");
    bed_.network.plc = Plc::is_unreachable;
    EXPECT_EQ(sign(good, {}).error().fault, Fault::upstream_failed);
    bed_.network.plc = Plc::accepts;
    EXPECT_EQ(name_of(sign(good, {})), "");
}

TEST_F(PlcOperationsTest, ASubmissionThatWouldLockOutIsRefused) {
    const auto good = last().state();
    const auto other = atproto::PrivateKey::generate(atproto::Curve::k256).public_key().did_key();
    auto state = good;
    state.rotation_keys = {other};
    EXPECT_EQ(refusal_of(state), "Rotation keys do not include server's rotation key");
    state = good;
    state.services[0].second.type = "Other";
    EXPECT_EQ(refusal_of(state), "Incorrect type on atproto_pds service");
    state.services.clear();
    EXPECT_EQ(refusal_of(state), "Incorrect type on atproto_pds service");
    state = good;
    state.services[0].second.endpoint = "https://elsewhere.test";
    EXPECT_EQ(refusal_of(state), "Incorrect endpoint on atproto_pds service");
    state = good;
    state.verification_methods[0].second = other;
    EXPECT_EQ(refusal_of(state), "Incorrect signing key");
    state = good;
    state.also_known_as = {"at://eve.pds.test", "at://ann.pds.test"};
    EXPECT_EQ(refusal_of(state), "Incorrect handle in alsoKnownAs");
    state.also_known_as.clear();
    EXPECT_EQ(refusal_of(state), "Incorrect handle in alsoKnownAs");
    EXPECT_EQ(name_of(submit(Object{{"type", "plc_operation"}})), "InvalidRequest");
    EXPECT_EQ(name_of(submit("text")), "InvalidRequest");
    const auto tombstone = atproto::plc::Operation::sign_tombstone(last().cid(), bed_.rotation_key);
    EXPECT_EQ(name_of(submit(tombstone.value())), "InvalidRequest");
    EXPECT_EQ(last().state(), good);
    EXPECT_EQ(events(), 0U);
}

TEST_F(PlcOperationsTest, ASubmissionIsSentToldAndKnown) {
    auto state = last().state();
    state.rotation_keys.insert(
        state.rotation_keys.begin(),
        atproto::PrivateKey::generate(atproto::Curve::k256).public_key().did_key());
    state.also_known_as.push_back("https://ann.example");
    EXPECT_EQ(refusal_of(state), "");
    EXPECT_EQ(last().state(), state);
    const auto told = bed_.events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, "identity");
    EXPECT_EQ(told[0].body, (Object{{"did", ann_.did.text()}, {"handle", "ann.pds.test"}}));
    const auto document = bed_.loop.run(bed_.resolver.remembered_did_document(ann_.did, now()));
    EXPECT_EQ((*document)->value().as<Object>()->find("alsoKnownAs")->as<atproto::Array>()->size(),
              2U);
}

TEST_F(PlcOperationsTest, WhatTheDirectoryHasIsToldAndNotSentAgain) {
    const auto operation =
        atproto::plc::Operation::sign(last().state(), last().cid(), bed_.rotation_key);
    bed_.network.plc = Plc::keeps_and_dies;
    EXPECT_EQ(submit(operation.value()).error().fault, Fault::upstream_failed);
    EXPECT_EQ(events(), 0U);
    bed_.network.plc = Plc::refuses;
    EXPECT_EQ(name_of(submit(operation.value())), "") << "it is there already";
    EXPECT_EQ(events(), 1U);
}

TEST_F(PlcOperationsTest, RefusalsAndOutagesChangeNothing) {
    const auto operation =
        atproto::plc::Operation::sign(last().state(), last().cid(), bed_.rotation_key);
    bed_.network.plc = Plc::refuses;
    EXPECT_EQ(submit(operation.value()).error().message,
              "The PLC directory refused the operation: not like this");
    bed_.network.plc = Plc::is_unreachable;
    EXPECT_EQ(submit(operation.value()).error().fault, Fault::upstream_failed);
    EXPECT_EQ(events(), 0U);
}

TEST_F(PlcOperationsTest, OtherMethodsHaveNoOperations) {
    const Account eve = bed_.add_account("eve.pds.test", "did:web:eve.net");
    EXPECT_EQ(name_of(bed_.loop.run(operations_.sign(eve, "AAAAA-BBBBB", {}))), "UnresolvableDid");
}

}  // namespace
}  // namespace roost::pds
