#include "pds/accounts/signing_key_changes.h"

#include <gtest/gtest.h>

#include "atproto/lexicon/catalog.h"
#include "pds/testing_sign_up.h"

namespace roost::pds {
namespace {

using testing::must;
using testing::name_of;
using Plc = testing::FakeNetwork::Plc;

class SigningKeyChangesTest : public ::testing::Test {
  protected:
    SigningKeyChangesTest() { bed_.execute("DELETE FROM event"); }

    std::string reserve(const std::optional<atproto::Did>& did = std::nullopt) {
        return bed_.write([&](db::Transaction& t) {
            return key_store::reserve(t, did, atproto::PrivateKey::generate(atproto::Curve::k256),
                                      bed_.vault, now());
        });
    }
    Result<Audited> change(const Account& account, const std::string& did_key) {
        return bed_.loop.run(changes_.change(account, did_key,
                                             {.actor = "admin from ::1",
                                              .method = "change.key",
                                              .subject = account.did.text(),
                                              .time = now()}));
    }
    Result<Audited> change(const std::string& did_key) {
        return change(*bed_.account(ann_.id), did_key);
    }
    void settle() { bed_.loop.run(changes_.settle_pending()); }
    atproto::PublicKey key() {
        return bed_
            .read([&](db::Transaction& t) { return key_store::find(t, ann_.id, bed_.vault); })
            ->public_key();
    }
    std::string key_in_directory() {
        return must(bed_.loop.run(bed_.plc.last_operation(ann_.did)))
            ->state()
            .verification_methods.at(0)
            .second;
    }
    atproto::Commit head() {
        const auto stored =
            bed_.read([&](db::Transaction& t) { return repo_store::find_head(t, ann_.id); });
        return must(atproto::parse_commit(stored->commit_block));
    }
    std::int64_t pending() { return bed_.count("SELECT count(*) FROM pending_signing_key"); }
    std::int64_t reserved() { return bed_.count("SELECT count(*) FROM reserved_key"); }
    std::vector<std::string> kinds() {
        std::vector<std::string> found;
        for (const testing::Event& event : bed_.events())
            found.push_back(event.kind);
        return found;
    }
    // What a process leaves that is killed after the first step.
    void leave_pending(const std::string& did_key, Timestamp since) {
        EXPECT_TRUE(bed_.write([&](db::Transaction& t) {
            return key_store::make_pending(t, ann_.id, ann_.did, did_key, since);
        }));
    }
    void put_into_directory(const std::string& did_key) {
        const auto state = must(bed_.loop.run(bed_.plc.last_operation(ann_.did)))->state();
        bed_.network.publish(
            ann_.did,
            atproto::plc::with_signing_key(state, must(atproto::PublicKey::parse_did_key(did_key))),
            bed_.rotation_key);
    }
    // Of did:web:eve.net.
    static std::string document_naming(const std::string& did_key) {
        return R"({"id":"did:web:eve.net","verificationMethod":[{"id":"did:web:eve.net#atproto",)"
               R"("type":"Multikey","controller":"did:web:eve.net","publicKeyMultibase":")" +
               did_key.substr(std::size("did:key:") - 1) + R"("}]})";
    }
    void expect_unchanged() {
        EXPECT_EQ(key(), first_key_);
        EXPECT_EQ(pending(), 0);
        EXPECT_EQ(kinds(), std::vector<std::string>());
    }
    // Row, directory, newest commit and stream agree on the key.
    void expect_changed_to(const std::string& did_key) {
        EXPECT_EQ(key().did_key(), did_key);
        EXPECT_EQ(key_in_directory(), did_key);
        EXPECT_TRUE(atproto::verify_commit(head(), key()));
        EXPECT_FALSE(atproto::verify_commit(head(), first_key_));
        EXPECT_EQ(pending(), 0);
        EXPECT_EQ(kinds(), (std::vector<std::string>{"identity", "sync"}));
    }

    testing::SignUpBed bed_;
    Account ann_ = must(bed_.create(bed_.request("ann"))).account;
    atproto::PublicKey first_key_ = key();
    lexicon::Catalog catalog_ = must(lexicon::Catalog::of({}));
    Repos repos_{bed_.db(),
                 [this](db::Transaction& t, std::int64_t account_id) {
                     return key_store::find(t, account_id, bed_.vault);
                 },
                 catalog_, SignatureCheck::on};
    IdentityTurns turns_;
    SigningKeyChanges changes_{{.db = bed_.db(),
                                .vault = bed_.vault,
                                .plc = bed_.plc,
                                .resolver = bed_.resolver,
                                .turns = turns_,
                                .repos = repos_},
                               bed_.rotation_key};
};

TEST_F(SigningKeyChangesTest, ChangesIdentityKeyAndCommit) {
    const atproto::Commit before = head();
    const std::string wanted = reserve();
    EXPECT_EQ(name_of(change(wanted)), "");
    expect_changed_to(wanted);
    EXPECT_EQ(head().data, before.data) << "the tree is the same";
    EXPECT_GT(head().rev, before.rev);
    EXPECT_EQ(reserved(), 0);
    // What is written from here on is signed by it, too.
    WriteRequest request;
    request.writes.push_back({.kind = WriteKind::create,
                              .collection = must(atproto::Nsid::parse("test.roost.note")),
                              .rkey = std::nullopt,
                              .record = atproto::Object{{"$type", "test.roost.note"}}});
    must(bed_.loop.run(repos_.write(ann_, std::move(request))));
    EXPECT_TRUE(atproto::verify_commit(head(), key()));
}

TEST_F(SigningKeyChangesTest, TakesOnlyKeysThatAreHeldForTheAccount) {
    const std::string unknown =
        atproto::PrivateKey::generate(atproto::Curve::k256).public_key().did_key();
    for (const std::string& wanted :
         {unknown, std::string("did:key:zNo"), std::string("did:web:ann.net"),
          reserve(testing::did_of("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"))})
        EXPECT_EQ(name_of(change(wanted)), "InvalidRequest") << wanted;
    expect_unchanged();
    const std::string own = reserve(ann_.did);
    EXPECT_EQ(name_of(change(own)), "");
    expect_changed_to(own);
}

TEST_F(SigningKeyChangesTest, TheSameKeyIsToldAgainAndHealsTheDocument) {
    const std::string other =
        atproto::PrivateKey::generate(atproto::Curve::k256).public_key().did_key();
    put_into_directory(other);
    EXPECT_EQ(name_of(change(first_key_.did_key())), "");
    EXPECT_EQ(key_in_directory(), first_key_.did_key());
    EXPECT_EQ(key(), first_key_);
    EXPECT_EQ(kinds(), (std::vector<std::string>{"identity", "sync"}));
}

TEST_F(SigningKeyChangesTest, RefusalsAndOutagesGiveTheKeyBack) {
    const std::string wanted = reserve();
    for (const Plc plc : {Plc::refuses, Plc::is_unreachable}) {
        bed_.network.plc = plc;
        EXPECT_FALSE(change(wanted).has_value());
        expect_unchanged();
        EXPECT_EQ(reserved(), 1);
    }
    bed_.network.plc = Plc::accepts;
    EXPECT_EQ(name_of(change(wanted)), "");
    expect_changed_to(wanted);
}

TEST_F(SigningKeyChangesTest, WhatIsNotDecidedIsSettledLater) {
    const std::string wanted = reserve();
    bed_.network.plc = Plc::keeps_and_dies;
    EXPECT_EQ(change(wanted).error().fault, Fault::upstream_failed);
    EXPECT_EQ(key(), first_key_);
    EXPECT_EQ(pending(), 1);
    EXPECT_EQ(change(reserve()).error().fault, Fault::unavailable) << "first things first";
    settle();
    EXPECT_EQ(pending(), 1);
    bed_.network.plc = Plc::accepts;
    settle();
    expect_changed_to(wanted);
}

TEST_F(SigningKeyChangesTest, ARetryHealsWhatACrashLeft) {
    const std::string wanted = reserve();
    leave_pending(wanted, now());
    put_into_directory(wanted);
    EXPECT_EQ(name_of(change(wanted)), "");
    expect_changed_to(wanted);
}

TEST_F(SigningKeyChangesTest, AnOperationThatNeverArrivedIsTakenBackInTime) {
    const std::string wanted = reserve();
    leave_pending(wanted, now());
    settle();
    EXPECT_EQ(pending(), 1) << "it may be on its way";
    bed_.execute("UPDATE pending_signing_key SET created_at = 1");
    settle();
    expect_unchanged();
    EXPECT_EQ(reserved(), 1);
    EXPECT_EQ(name_of(change(wanted)), "");
}

TEST_F(SigningKeyChangesTest, ASleepingAccountGetsACommitThatNobodyIsToldOf) {
    bed_.write([&](db::Transaction& t) {
        account_store::set_deactivated(t, ann_.id, now(), std::nullopt);
    });
    const std::string wanted = reserve();
    EXPECT_EQ(name_of(change(wanted)), "");
    EXPECT_TRUE(atproto::verify_commit(head(), key()));
    EXPECT_EQ(kinds(), std::vector<std::string>{"identity"});
}

TEST_F(SigningKeyChangesTest, AWebDidMustNameTheKeyFirst) {
    const Account eve = bed_.add_account("eve.pds.test", "did:web:eve.net");
    const std::string wanted = reserve();
    auto& page = bed_.network.pages["https://eve.net/.well-known/did.json"];
    page = {200, R"({"id":"did:web:eve.net"})"};
    EXPECT_EQ(name_of(change(eve, wanted)), "InvalidRequest");
    EXPECT_EQ(pending(), 0);
    page = {200, document_naming(wanted)};
    EXPECT_EQ(name_of(change(eve, wanted)), "");
    EXPECT_EQ(bed_.read([&](db::Transaction& t) { return key_store::find(t, eve.id, bed_.vault); })
                  ->public_key()
                  .did_key(),
              wanted);
}

TEST_F(SigningKeyChangesTest, WhatACrashLeftOfAWebDidIsSettledByItsDocument) {
    const Account eve = bed_.add_account("eve.pds.test", "did:web:eve.net");
    const std::string wanted = reserve();
    const auto leave = [&] {
        EXPECT_TRUE(bed_.write([&](db::Transaction& t) {
            return key_store::make_pending(t, eve.id, eve.did, wanted, Timestamp{1});
        }));
    };
    const auto key_of_eve = [&] {
        return bed_
            .read([&](db::Transaction& t) { return key_store::find(t, eve.id, bed_.vault); })
            ->public_key()
            .did_key();
    };
    auto& page = bed_.network.pages["https://eve.net/.well-known/did.json"];
    page = {503, ""};
    leave();
    settle();
    EXPECT_EQ(pending(), 1) << "nobody knows yet";
    page = {200, R"({"id":"did:web:eve.net"})"};
    settle();
    EXPECT_EQ(pending(), 0) << "the document does not name it";
    EXPECT_NE(key_of_eve(), wanted);
    leave();
    page = {200, document_naming(wanted)};
    settle();
    EXPECT_EQ(pending(), 0);
    EXPECT_EQ(key_of_eve(), wanted);
}

TEST_F(SigningKeyChangesTest, OneChangeAtATime) {
    const std::string wanted = reserve();
    const auto turn = must(turns_.take(ann_.id));
    EXPECT_EQ(change(wanted).error().fault, Fault::unavailable);
    EXPECT_EQ(reserved(), 1);
}

}  // namespace
}  // namespace roost::pds
