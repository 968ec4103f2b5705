// Sign-ups that were interrupted, that race, or that bring an identity with them.
#include <gtest/gtest.h>

#include <algorithm>

#include "pds/accounts/invites.h"
#include "pds/accounts/sign_up.h"
#include "pds/testing_sign_up.h"

namespace roost::pds {
namespace {

using testing::name_of;
using testing::SignUpBed;
using Plc = testing::FakeNetwork::Plc;

Task<void> sign_up_into(SignUp& sign_up, SignUpRequest request,
                        std::vector<std::string>& outcomes) {
    outcomes.push_back(name_of(co_await sign_up.create(std::move(request))));
}
Task<void> refuse_into(SignUp& sign_up, SignUpRequest request, std::vector<Error>& refusals) {
    const auto done = co_await sign_up.create(std::move(request));
    if (!done.has_value()) refusals.push_back(done.error());
}
// Waits, ten seconds at most, until the directory has been asked that often.
Task<void> until_asked(const testing::FakeNetwork& network, std::size_t times) {
    for (int i = 0; i < 10'000 && network.requests.size() < times; ++i)
        co_await sleep_ms(1);
}
Task<void> until_full(const std::vector<std::string>& outcomes, std::size_t size) {
    for (int i = 0; i < 10'000 && outcomes.size() < size; ++i)
        co_await sleep_ms(1);
}

class SettleTest : public ::testing::Test {
  protected:
    SettleTest() {
        bed_.write([](db::Transaction& t) {
            invites::insert(t, "one", 1, invites::admin, invites::admin, invites::State::enabled,
                            {1});
        });
    }
    void settle() { bed_.loop.run(bed_.sign_up.settle_pending()); }

    SignUpBed bed_;
};

TEST_F(SettleTest, FinishesWhatTheDirectoryKnows) {
    const auto signup = bed_.leave_pending("ann", "one");
    bed_.network.operations[signup.did.text()] = signup.operation;
    settle();
    const auto account =
        bed_.read([&](db::Transaction& t) { return account_store::find_by_did(t, signup.did); });
    ASSERT_TRUE(account);
    EXPECT_EQ(account->handle, signup.handle);
    EXPECT_EQ(account->email, signup.email);
    EXPECT_TRUE(account->is_active());
    const auto key =
        bed_.read([&](db::Transaction& t) { return key_store::find(t, account->id, bed_.vault); });
    EXPECT_EQ(key->public_key().did_key(), signup.did_key) << "the key that the identity names";
    EXPECT_EQ(bed_.events().size(), 4U);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM invite_code_use WHERE code = 'one'"), 1);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 0);
    settle();
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1);
}

TEST_F(SettleTest, DropsWhatTheDirectoryDoesNotKnow) {
    bed_.leave_pending("ann", "one");
    settle();
    EXPECT_EQ(bed_.rows_left(), 0);
    bed_.read(
        [](db::Transaction& t) { EXPECT_EQ(name_of(invites::check_available(t, "one")), ""); });
    EXPECT_EQ(name_of(bed_.create(bed_.request("ann"))), "");
}

TEST_F(SettleTest, WaitsWhileTheDirectoryCannotBeAsked) {
    const auto signup = bed_.leave_pending("ann");
    bed_.network.operations[signup.did.text()] = signup.operation;
    for (const Plc plc : {Plc::is_unreachable, Plc::fails}) {
        bed_.network.plc = plc;
        settle();
        EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 1);
        EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 0);
    }
    bed_.network.plc = Plc::accepts;
    settle();
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1);
}

TEST_F(SettleTest, ANewSignUpDoesNotWaitForIt) {
    for (const bool is_registered : {false, true}) {
        const std::string name = is_registered ? "bob" : "ann";
        const auto left = bed_.leave_pending(name);
        if (is_registered) bed_.network.operations[left.did.text()] = left.operation;
        const auto done = bed_.create(bed_.request(name));
        ASSERT_TRUE(done.has_value()) << done.error().message;
        EXPECT_NE(done->account.did, left.did);
        EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 0);
        settle();
    }
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 2);
}

TEST_F(SettleTest, LeavesASignUpInFlightAlone) {
    bed_.network.delay_ms = 50;
    std::vector<std::string> outcomes;
    start_detached(sign_up_into(bed_.sign_up, bed_.request("ann"), outcomes));
    bed_.loop.run(until_asked(bed_.network, 1));
    settle();
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 1);
    EXPECT_EQ(bed_.network.requests.size(), 1U) << "nobody asked about it";
    bed_.loop.run(until_full(outcomes, 1));
    EXPECT_EQ(outcomes, std::vector<std::string>{""});
}

TEST_F(SettleTest, GivesUpAnAddressThatWasTakenMeanwhile) {
    const auto signup = bed_.leave_pending("ann");
    bed_.network.operations[signup.did.text()] = signup.operation;
    const Account bob = bed_.add_account("bob.pds.test");
    bed_.write([&](db::Transaction& t) { account_store::set_email(t, bob.id, *signup.email); });
    settle();
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 0);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1);
    EXPECT_EQ(bed_.events().size(), 0U);
}

class RaceTest : public ::testing::Test {
  protected:
    RaceTest() { bed_.network.delay_ms = 30; }

    SignUpBed bed_;
    std::vector<std::string> outcomes_;
};

TEST_F(RaceTest, OneHandleGoesToOne) {
    for (int i = 0; i < 4; ++i) {
        SignUpRequest request = bed_.request("ann");
        request.email = "ann" + std::to_string(i) + "@example.org";
        start_detached(sign_up_into(bed_.sign_up, std::move(request), outcomes_));
    }
    bed_.loop.run(until_full(outcomes_, 4));
    EXPECT_EQ(std::ranges::count(outcomes_, ""), 1);
    EXPECT_EQ(std::ranges::count(outcomes_, "HandleNotAvailable"), 3);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 0);
    EXPECT_EQ(bed_.events().size(), 4U);
}

TEST_F(RaceTest, OneAddressGoesToOne) {
    for (const std::string name : {"ann", "bob", "carl"}) {
        SignUpRequest request = bed_.request(name);
        request.email = "same@example.org";
        start_detached(sign_up_into(bed_.sign_up, std::move(request), outcomes_));
    }
    bed_.loop.run(until_full(outcomes_, 3));
    EXPECT_EQ(std::ranges::count(outcomes_, ""), 1);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 0);
}

TEST_F(RaceTest, WhatIsBeingSignedUpIsTakenAlready) {
    const Account carl = bed_.add_account("carl.pds.test");
    bed_.network.delay_ms = 2'000;  // the first is not done before the others
    start_detached(sign_up_into(bed_.sign_up, bed_.request("ann"), outcomes_));
    bed_.loop.run(until_asked(bed_.network, 1));
    SignUpRequest same_address = bed_.request("bob");
    same_address.email = "Ann@example.org";
    SignUpRequest same_handle = bed_.request("ann");
    same_handle.email = "other@example.org";
    SignUpRequest taken_address = bed_.request("dora");
    taken_address.email = *carl.email;
    SignUpRequest taken_handle = bed_.request("carl");
    taken_handle.email = "third@example.org";
    std::vector<Error> refusals;
    for (const SignUpRequest& request : {same_address, taken_address, same_handle, taken_handle})
        bed_.loop.run(refuse_into(bed_.sign_up, request, refusals));
    EXPECT_EQ(refusals,
              (std::vector<Error>{
                  Error::invalid("Email already taken: ann@example.org"),
                  Error::invalid("Email already taken: carl@example.org"),
                  Error::invalid("Handle already taken: ann.pds.test", "HandleNotAvailable"),
                  Error::invalid("Handle already taken: carl.pds.test", "HandleNotAvailable"),
              }));
    bed_.loop.run(until_full(outcomes_, 1));
    EXPECT_EQ(outcomes_, std::vector<std::string>{""});
}

TEST_F(RaceTest, AnAddressTakenWhileTheDirectoryThinksIsTold) {
    const Account bob = bed_.add_account("bob.pds.test");
    start_detached(sign_up_into(bed_.sign_up, bed_.request("ann"), outcomes_));
    bed_.loop.run(until_asked(bed_.network, 1));
    bed_.write([&](db::Transaction& t) { account_store::set_email(t, bob.id, "ann@example.org"); });
    bed_.loop.run(until_full(outcomes_, 1));
    EXPECT_EQ(outcomes_, std::vector<std::string>{"HandleNotAvailable"});
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 0);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1);
}

TEST_F(RaceTest, AMigrationDoesNotTakeAHandleInFlight) {
    start_detached(sign_up_into(bed_.sign_up, bed_.request("ann"), outcomes_));
    bed_.loop.run(until_asked(bed_.network, 1));
    SignUpRequest migrated = bed_.request("ann");
    migrated.email = "other@example.org";
    migrated.did = testing::did_of("did:web:ann.example");
    bed_.network.delay_ms = 0;
    const auto refused = bed_.create(migrated);
    bed_.loop.run(until_full(outcomes_, 1));
    EXPECT_EQ(outcomes_, std::vector<std::string>{""});
    EXPECT_EQ(name_of(refused), "HandleNotAvailable");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1);
}

class MigrationTest : public ::testing::Test {
  protected:
    SignUpRequest request(const std::string& handle, const std::string& did) {
        SignUpRequest wanted = bed_.request("ann");
        wanted.handle = handle;
        wanted.did = testing::did_of(did);
        return wanted;
    }
    atproto::PublicKey key_of(const Account& account) {
        return bed_
            .read([&](db::Transaction& t) { return key_store::find(t, account.id, bed_.vault); })
            ->public_key();
    }

    SignUpBed bed_;
};

TEST_F(MigrationTest, StartsDeactivatedAndUnannounced) {
    const auto done = bed_.create(request("ann.pds.test", "did:web:ann.example"));
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(done->account.did.text(), "did:web:ann.example");
    EXPECT_EQ(done->account.status(), AccountStatus::deactivated);
    EXPECT_FALSE(done->did_document);
    EXPECT_TRUE(bed_.network.requests.empty()) << "the identity is not touched";
    EXPECT_TRUE(bed_.events().empty());
    EXPECT_EQ(bed_.count("SELECT count(*) FROM repo"), 1);
}

TEST_F(MigrationTest, UsesTheReservedKey) {
    const auto reserved = atproto::PrivateKey::generate(atproto::Curve::k256);
    const auto did = testing::did_of("did:web:ann.example");
    bed_.write([&](db::Transaction& t) { key_store::reserve(t, did, reserved, bed_.vault, {1}); });
    const auto done = bed_.create(request("ann.pds.test", did.text()));
    ASSERT_TRUE(done.has_value());
    EXPECT_EQ(key_of(done->account), reserved.public_key());
    EXPECT_EQ(bed_.count("SELECT count(*) FROM reserved_key"), 0);
}

TEST_F(MigrationTest, OneAccountForADid) {
    ASSERT_EQ(name_of(bed_.create(request("ann.pds.test", "did:web:ann.example"))), "");
    SignUpRequest again = request("bob.pds.test", "did:web:ann.example");
    again.email = "bob@example.org";
    EXPECT_EQ(name_of(bed_.create(again)), "InvalidRequest");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1);
}

TEST_F(MigrationTest, AnOwnDomainMustPointToTheDid) {
    const auto wanted = request("ann.example", "did:web:ann.example");
    EXPECT_EQ(name_of(bed_.create(wanted)), "InvalidHandle") << ".example is excluded";
    const auto own = request("ann.net", "did:web:ann.net");
    EXPECT_EQ(name_of(bed_.create(own)), "InvalidRequest");
    bed_.network.txt["_atproto.ann.net"] = {"did=did:web:eve.net"};
    EXPECT_EQ(name_of(bed_.create(own)), "InvalidRequest");
    bed_.network.txt["_atproto.ann.net"] = {"did=did:web:ann.net"};
    EXPECT_EQ(name_of(bed_.create(own)), "");
}

TEST_F(MigrationTest, ReplacesWhatASignUpLeft) {
    bed_.leave_pending("ann");
    EXPECT_EQ(name_of(bed_.create(request("ann.pds.test", "did:web:ann.example"))), "");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 0);
}

}  // namespace
}  // namespace roost::pds
