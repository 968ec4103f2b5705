#include "pds/accounts/handle_changes.h"

#include <gtest/gtest.h>

#include <limits>

#include "pds/accounts/pending_handles.h"
#include "pds/testing_sign_up.h"

namespace roost::pds {
namespace {

using atproto::Object;
using testing::handle_of;
using testing::must;
using testing::name_of;
using Plc = testing::FakeNetwork::Plc;

constexpr std::string_view external_refusal = "External handle did not resolve to DID";

class HandleChangesTest : public ::testing::Test {
  protected:
    HandleChangesTest() { bed_.execute("DELETE FROM event"); }

    Result<void> change(const Account& account, const std::string& handle) {
        return bed_.loop.run(changes_.change(account, handle));
    }
    Result<Audited> change_as_admin(const Account& account, const std::string& handle) {
        return bed_.loop.run(changes_.change(account, handle,
                                             {.actor = "admin from ::1",
                                              .method = "change.handle",
                                              .subject = account.did.text(),
                                              .time = now()}));
    }
    // What the audit log says of ann, newest first.
    std::vector<std::string> audited() {
        std::vector<std::string> said;
        bed_.read([&](db::Transaction& t) {
            for (const audit_log::Entry& entry :
                 audit_log::list(t, std::numeric_limits<std::int64_t>::max(), ann_.did.text(), 10))
                said.push_back(entry.act.detail + ", " + entry.outcome);
            return 0;
        });
        return said;
    }
    void settle() { bed_.loop.run(changes_.settle_pending()); }
    std::string handle_of_ann() { return bed_.account(ann_.id)->handle.text(); }
    std::string handle_in_directory() { return last_state().also_known_as.at(0); }
    atproto::plc::State last_state() {
        return must(bed_.loop.run(bed_.plc.last_operation(ann_.did)))->state();
    }
    std::int64_t pending() { return bed_.count("SELECT count(*) FROM pending_handle"); }
    // What a process leaves that is killed after the first step.
    void leave_pending(std::string_view handle, Timestamp since) {
        bed_.write([&](db::Transaction& t) {
            pending_handles::put(t, {ann_.id, handle_of(handle), since});
        });
    }
    void put_into_directory(std::string_view handle) {
        bed_.network.publish(ann_.did, atproto::plc::with_handle(last_state(), handle_of(handle)),
                             bed_.rotation_key);
    }
    // The events that tell of ann's handle, and no others.
    void expect_told(const std::vector<std::string>& handles) {
        std::vector<Object> expected;
        for (const std::string& handle : handles)
            expected.push_back({{"did", ann_.did.text()}, {"handle", handle}});
        std::vector<Object> told;
        for (const testing::Event& event : bed_.events()) {
            EXPECT_EQ(event.kind, "identity");
            told.push_back(event.body);
        }
        EXPECT_EQ(told, expected);
    }

    testing::SignUpBed bed_;
    Account ann_ = must(bed_.create(bed_.request("ann"))).account;
    Account bob_ = must(bed_.create(bed_.request("bob"))).account;
    IdentityTurns turns_;
    HandleChanges changes_{{.db = bed_.db(),
                            .handles = bed_.handles,
                            .plc = bed_.plc,
                            .resolver = bed_.resolver,
                            .turns = turns_},
                           bed_.rotation_key};
};

TEST_F(HandleChangesTest, ChangesDirectoryRowAndStream) {
    const auto before = last_state();
    EXPECT_EQ(name_of(change(ann_, "Ann-2.pds.test")), "");
    EXPECT_EQ(handle_of_ann(), "ann-2.pds.test");
    EXPECT_EQ(last_state(), atproto::plc::with_handle(before, handle_of("ann-2.pds.test")));
    expect_told({"ann-2.pds.test"});
    EXPECT_EQ(pending(), 0);
    // The old one is free, and who remembers the document knows the new one.
    SignUpRequest successor = bed_.request("ann");
    successor.email = "other@example.org";
    EXPECT_EQ(name_of(bed_.create(std::move(successor))), "");
    const auto document = bed_.loop.run(bed_.resolver.remembered_did_document(ann_.did, now()));
    EXPECT_EQ((*document)->handle(), handle_of("ann-2.pds.test"));
}

TEST_F(HandleChangesTest, TheSameHandleIsToldAgainAndNotSubmitted) {
    const std::string operation = bed_.network.operations[ann_.did.text()];
    EXPECT_EQ(name_of(change(ann_, "ann.pds.test")), "");
    EXPECT_EQ(bed_.network.operations[ann_.did.text()], operation);
    expect_told({"ann.pds.test"});
}

TEST_F(HandleChangesTest, RefusesWhatIsNotAllowed) {
    EXPECT_EQ(name_of(change(ann_, "bob.pds.test")), "HandleNotAvailable");
    EXPECT_EQ(change(ann_, "bob.pds.test").error().message, "Handle already taken: bob.pds.test");
    EXPECT_EQ(name_of(change(ann_, "an.pds.test")), "InvalidHandle");
    EXPECT_EQ(name_of(change(ann_, "a.b.pds.test")), "InvalidHandle");
    EXPECT_EQ(name_of(change(ann_, "xn--ls8h.pds.test")), "InvalidHandle");
    EXPECT_EQ(name_of(change(ann_, "no handle")), "InvalidHandle");
    EXPECT_EQ(name_of(change(ann_, "admin.pds.test")), "HandleNotAvailable");
    EXPECT_EQ(handle_of_ann(), "ann.pds.test");
    expect_told({});
    EXPECT_EQ(name_of(change_as_admin(ann_, "admin.pds.test")), "");
    EXPECT_EQ(audited(), (std::vector<std::string>{", done", "begun, done"}));
    EXPECT_EQ(handle_of_ann(), "admin.pds.test");
    EXPECT_EQ(name_of(change(*bed_.account(ann_.id), "admin.pds.test")), "")
        << "whoever has a reserved one may have it told again";
}

TEST_F(HandleChangesTest, AnotherDomainMustNameTheAccount) {
    EXPECT_EQ(change(ann_, "ann.net").error().message, external_refusal);
    bed_.network.txt["_atproto.ann.net"] = {"did=" + bob_.did.text()};
    EXPECT_EQ(change(ann_, "ann.net").error().message, external_refusal);
    EXPECT_EQ(handle_in_directory(), "at://ann.pds.test");
    bed_.network.txt["_atproto.ann.net"] = {"did=" + ann_.did.text()};
    EXPECT_EQ(name_of(change(ann_, "ann.net")), "");
    EXPECT_EQ(handle_in_directory(), "at://ann.net");
    bed_.network.pages["https://ann.org/.well-known/atproto-did"] = {200, ann_.did.text()};
    EXPECT_EQ(name_of(change(ann_, "ann.org")), "");
    expect_told({"ann.net", "ann.org"});
}

TEST_F(HandleChangesTest, AWebDidMustNameTheHandleFirst) {
    const Account eve = bed_.add_account("eve.pds.test", "did:web:eve.net");
    EXPECT_EQ(name_of(change(eve, "eve2.pds.test")), "UpstreamNotReached");
    auto& page = bed_.network.pages["https://eve.net/.well-known/did.json"];
    page = {200, R"({"id":"did:web:eve.net","alsoKnownAs":["at://eve.pds.test"]})"};
    EXPECT_EQ(change(eve, "eve2.pds.test").error().message,
              "DID is not properly configured for handle");
    page = {200, R"({"id":"did:web:eve.net","alsoKnownAs":["at://eve2.pds.test"]})"};
    EXPECT_EQ(name_of(change(eve, "eve2.pds.test")), "");
    EXPECT_EQ(bed_.account(eve.id)->handle.text(), "eve2.pds.test");
}

TEST_F(HandleChangesTest, ADirectoryThatIsDownChangesNothing) {
    for (const Plc plc : {Plc::is_unreachable, Plc::fails}) {
        bed_.network.plc = plc;
        EXPECT_EQ(change(ann_, "ann2.pds.test").error().fault, Fault::upstream_failed);
        EXPECT_EQ(pending(), 0);
    }
    EXPECT_EQ(handle_of_ann(), "ann.pds.test");
    expect_told({});
}

TEST_F(HandleChangesTest, ARefusalOfTheDirectoryIsPassedOn) {
    bed_.network.plc = Plc::refuses;
    EXPECT_EQ(change(ann_, "ann2.pds.test").error().message,
              "The PLC directory refused the operation: not like this");
    EXPECT_EQ(pending(), 0);
    EXPECT_EQ(handle_of_ann(), "ann.pds.test");
    expect_told({});
}

TEST_F(HandleChangesTest, ALostAnswerIsAskedFor) {
    bed_.network.plc = Plc::loses_the_answer;
    EXPECT_EQ(name_of(change(ann_, "ann2.pds.test")), "");
    EXPECT_EQ(handle_of_ann(), "ann2.pds.test");
    expect_told({"ann2.pds.test"});
}

TEST_F(HandleChangesTest, WhatIsNotDecidedIsHeldAndSettledLater) {
    bed_.network.plc = Plc::keeps_and_dies;
    EXPECT_EQ(change(ann_, "ann2.pds.test").error().fault, Fault::upstream_failed);
    EXPECT_EQ(handle_of_ann(), "ann.pds.test");
    EXPECT_EQ(pending(), 1);
    settle();
    EXPECT_EQ(pending(), 1) << "the directory cannot be asked yet";
    bed_.network.plc = Plc::accepts;
    EXPECT_EQ(name_of(change(bob_, "ann2.pds.test")), "HandleNotAvailable");
    EXPECT_EQ(name_of(bed_.create(bed_.request("ann2"))), "HandleNotAvailable");
    settle();
    EXPECT_EQ(handle_of_ann(), "ann2.pds.test");
    EXPECT_EQ(pending(), 0);
    expect_told({"ann2.pds.test"});
}

TEST_F(HandleChangesTest, ARetryHealsWhatACrashLeft) {
    leave_pending("ann2.pds.test", now());
    put_into_directory("ann2.pds.test");
    EXPECT_EQ(name_of(change(ann_, "ann2.pds.test")), "");
    EXPECT_EQ(handle_of_ann(), "ann2.pds.test");
    EXPECT_EQ(pending(), 0);
    expect_told({"ann2.pds.test"});
    // So does asking for yet another one.
    leave_pending("ann3.pds.test", now());
    EXPECT_EQ(name_of(change(ann_, "ann4.pds.test")), "");
    EXPECT_EQ(pending(), 0);
    EXPECT_EQ(name_of(change(bob_, "ann3.pds.test")), "") << "it is free again";
}

TEST_F(HandleChangesTest, AnOperationThatNeverArrivedIsGivenUpInTime) {
    leave_pending("ann2.pds.test", now());
    settle();
    EXPECT_EQ(pending(), 1) << "it may be on its way";
    leave_pending("ann2.pds.test", now().plus_s(-60));
    settle();
    EXPECT_EQ(pending(), 0);
    EXPECT_EQ(handle_of_ann(), "ann.pds.test");
    expect_told({});
}

TEST_F(HandleChangesTest, OneChangeAtATime) {
    {
        const auto turn = must(turns_.take(ann_.id));
        EXPECT_EQ(change(ann_, "ann2.pds.test").error().fault, Fault::unavailable);
        EXPECT_EQ(name_of(change(bob_, "bob2.pds.test")), "");
        leave_pending("ann2.pds.test", now().plus_s(-60));
        settle();
        EXPECT_EQ(pending(), 1) << "whoever has the turn decides";
    }
    EXPECT_EQ(name_of(change(ann_, "ann2.pds.test")), "");
}

TEST_F(HandleChangesTest, AnIdentityThatIsNotOursToChangeIsLeftAlone) {
    const auto foreign = atproto::PrivateKey::generate(atproto::Curve::k256);
    auto state = last_state();
    state.rotation_keys = {foreign.public_key().did_key()};
    bed_.network.publish(ann_.did, state, foreign);
    EXPECT_EQ(name_of(change(ann_, "ann2.pds.test")), "InvalidRequest");
    EXPECT_EQ(pending(), 0);
    expect_told({});
    // Its owner may have said it there already.
    put_into_directory("ann2.pds.test");
    EXPECT_EQ(name_of(change(ann_, "ann2.pds.test")), "");
    expect_told({"ann2.pds.test"});
    bed_.network.operations[ann_.did.text()] = atproto::json::write(
        atproto::plc::Operation::sign_tombstone(
            must(bed_.loop.run(bed_.plc.last_operation(ann_.did)))->cid(), foreign)
            .value());
    EXPECT_EQ(change(ann_, "ann5.pds.test").error().message, "Did is tombstoned");
    bed_.network.operations.clear();
    EXPECT_EQ(name_of(change(ann_, "ann5.pds.test")), "UnresolvableDid");
}

TEST_F(HandleChangesTest, ASleepingAccountMayChangeItsHandle) {
    bed_.write([&](db::Transaction& t) {
        account_store::set_deactivated(t, ann_.id, now(), std::nullopt);
    });
    EXPECT_EQ(name_of(change(*bed_.account(ann_.id), "ann2.pds.test")), "");
    EXPECT_FALSE(bed_.account(ann_.id)->is_active());
}

}  // namespace
}  // namespace roost::pds
