#include "pds/accounts/lifecycle.h"

#include <gtest/gtest.h>

#include <set>

#include "atproto/repo/car.h"
#include "pds/accounts/app_passwords.h"
#include "pds/accounts/email_tokens.h"
#include "pds/accounts/pending_handles.h"
#include "pds/blobs/blob_store.h"
#include "pds/repos/node_store.h"
#include "pds/repos/record_store.h"
#include "pds/repos/removal.h"
#include "pds/testing_sign_up.h"

namespace roost::pds {
namespace {

using atproto::Object;
using testing::name_of;
using Plc = testing::FakeNetwork::Plc;

class LifecycleTest : public ::testing::Test {
  protected:
    LifecycleTest() { bed_.execute("DELETE FROM event"); }

    Account ann() { return *bed_.account(ann_.id); }
    template <class T>
    std::string run(Task<Result<T>> task) {
        return name_of(bed_.loop.run(std::move(task)));
    }
    AdminAct act() {
        return {
            .actor = "admin from ::1", .method = "m", .subject = ann_.did.text(), .time = now()};
    }
    atproto::PublicKey key() {
        return bed_
            .read([&](db::Transaction& t) { return key_store::find(t, ann_.id, bed_.vault); })
            ->public_key();
    }
    std::string email_code() {
        return bed_.write([&](db::Transaction& t) {
            return email_tokens::create(t, ann_.id, email_tokens::Purpose::delete_account, now())
                .value()
                .reveal();
        });
    }
    std::vector<std::string> kinds() {
        std::vector<std::string> found;
        for (const auto& event : bed_.events())
            found.push_back(event.kind);
        return found;
    }

    testing::SignUpBed bed_;
    SignUp::Done done_ = testing::must(bed_.create(bed_.request("ann")));
    Account ann_ = done_.account;
    Lifecycle lifecycle_{bed_.db(),
                         bed_.vault,
                         bed_.plc,
                         bed_.resolver,
                         {.public_url = std::string(testing::public_url),
                          .rotation_key = bed_.rotation_key.public_key()}};
};

TEST_F(LifecycleTest, DeactivationIsToldAndTakenBack) {
    EXPECT_EQ(run(lifecycle_.deactivate(ann_, Timestamp{99})), "");
    EXPECT_EQ(ann().status(), AccountStatus::deactivated);
    EXPECT_EQ(ann().delete_after, Timestamp{99});
    const Timestamp since = *ann().deactivated_at;
    EXPECT_EQ(run(lifecycle_.deactivate(ann_, std::nullopt)), "");
    EXPECT_EQ(ann().deactivated_at, since) << "the first time counts";
    EXPECT_FALSE(ann().delete_after);
    EXPECT_EQ(run(lifecycle_.activate(ann())), "");
    EXPECT_TRUE(ann().is_active());

    const auto events = bed_.events();
    EXPECT_EQ(kinds(),
              (std::vector<std::string>{"account", "account", "account", "identity", "sync"}));
    const std::string did = ann_.did.text();
    EXPECT_EQ(events[0].body, (Object{{"did", did}, {"active", false}, {"status", "deactivated"}}));
    EXPECT_EQ(events[2].body, (Object{{"did", did}, {"active", true}}));
    EXPECT_EQ(events[3].body, (Object{{"did", did}, {"handle", "ann.pds.test"}}));
    const auto head =
        bed_.read([&](db::Transaction& t) { return repo_store::find_head(t, ann_.id); });
    EXPECT_EQ(*events[4].body.find("rev"), atproto::Value(head->rev.text()));
    atproto::CarReader reader({.bytes_max = 10'000, .blocks_max = 10});
    ASSERT_TRUE(reader.feed(*events[4].body.find("blocks")->as<Bytes>()).has_value());
    const auto block = testing::must(reader.next());
    ASSERT_TRUE(block);
    EXPECT_EQ(block->cid, head->commit_cid);
    EXPECT_EQ(reader.roots(), std::vector{head->commit_cid});
}

TEST_F(LifecycleTest, ActivationAsksWhetherTheIdentityPointsHere) {
    const auto elsewhere = atproto::PrivateKey::generate(atproto::Curve::k256);
    const auto publish = [&](std::string_view url, const atproto::PublicKey& signing,
                             const atproto::PublicKey& rotation) {
        bed_.network.publish(
            ann_.did, atproto::plc::make_state(ann_.handle, signing, url, {rotation}), elsewhere);
    };
    const atproto::PublicKey ours = bed_.rotation_key.public_key();
    EXPECT_EQ(run(lifecycle_.deactivate(ann_, std::nullopt)), "");
    publish("https://old.example", key(), ours);
    EXPECT_EQ(run(lifecycle_.activate(ann())), "InvalidRequest");
    publish(testing::public_url, elsewhere.public_key(), ours);
    EXPECT_EQ(run(lifecycle_.activate(ann())), "InvalidRequest");
    publish(testing::public_url, key(), elsewhere.public_key());
    EXPECT_EQ(run(lifecycle_.activate(ann())), "InvalidRequest");
    bed_.network.operations.clear();
    EXPECT_EQ(run(lifecycle_.activate(ann())), "UnresolvableDid");
    bed_.network.plc = Plc::is_unreachable;
    EXPECT_EQ(run(lifecycle_.activate(ann())), "UpstreamFailure");
    EXPECT_EQ(ann().status(), AccountStatus::deactivated);
    bed_.network.plc = Plc::accepts;
    publish(testing::public_url, key(), ours);
    EXPECT_EQ(run(lifecycle_.activate(ann())), "");
}

TEST_F(LifecycleTest, ATakedownEndsAllSessionsAndIsTold) {
    EXPECT_EQ(run(lifecycle_.set_takedown(ann_, "ref", act())), "");
    EXPECT_EQ(ann().takedown_ref, "ref");
    EXPECT_EQ(name_of(bed_.loop.run(bed_.sessions.authenticate(done_.tokens.access_jwt, now()))),
              "ExpiredToken");
    EXPECT_EQ(run(lifecycle_.deactivate(ann(), std::nullopt)), "");
    EXPECT_EQ(run(lifecycle_.activate(ann())), "AccountNotFound")
        << "its owner cannot undo a takedown";
    EXPECT_EQ(run(lifecycle_.set_takedown(ann_, std::nullopt, act())), "");
    EXPECT_EQ(ann().status(), AccountStatus::deactivated);
    std::vector<std::string> statuses;
    for (const auto& event : bed_.events())
        statuses.push_back(*event.body.find("status")->as<std::string>());
    EXPECT_EQ(statuses, (std::vector<std::string>{"takendown", "takendown", "deactivated"}));
}

TEST_F(LifecycleTest, ErasingLeavesOnlyEvents) {
    bed_.write([&](db::Transaction& t) {
        testing::must(
            app_passwords::create(t, ann_.id, "phone", app_passwords::Privilege::standard, {1}));
        bed_.sessions.open(t, ann_, Scope::app_pass, "phone", now());
        const auto reserve = [&] {
            return key_store::reserve(
                t, ann_.did, atproto::PrivateKey::generate(atproto::Curve::k256), bed_.vault, {1});
        };
        key_store::make_pending(t, ann_.id, ann_.did, reserve(), {1});
        reserve();
        pending_handles::put(t, {ann_.id, testing::handle_of("ann2.pds.test"), {1}});
    });
    email_code();
    bed_.add_account("bob.pds.test");
    bed_.write([&](db::Transaction& t) {
        const RepoId repo = repo_store::find(t, ann_.id)->id;
        record_store::put(t, repo, "app.bsky.feed.like/1",
                          atproto::Cid::of(atproto::Codec::dag_cbor, as_bytes("x")), 1,
                          as_bytes("x"));
        record_store::add_subject(t, repo, "app.bsky.feed.like", "at://x", "app.bsky.feed.like/1");
        node_store::write(t, repo, {}, atproto::mst::Tree().new_nodes(std::nullopt));
        blob_store::add_imported_references(
            t, repo, "app.bsky.feed.like/1", 1,
            std::vector{atproto::Cid::of(atproto::Codec::raw, as_bytes("x"))});
    });
    // Letters that wait: one to an address that the account had before, and one to bob.
    bed_.execute(
        "INSERT INTO mail_queue (kind, recipient, handle, token, message_id, created_at, "
        "next_try_at, tries) VALUES "
        "('delete_account', 'ann@example.org', 'ann.pds.test', 'A', 'a', 1, 1, 0), "
        "('update_email', 'old@example.org', 'ann.pds.test', 'B', 'b', 1, 1, 0), "
        "('update_email', 'bob@example.org', 'bob.pds.test', 'C', 'c', 1, 1, 0)");
    EXPECT_EQ(run(lifecycle_.erase(ann_, act())), "");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM repo"), 2) << "out of sight, and removed by a job";
    RepoRemoval removal(bed_.db());
    testing::must(bed_.loop.run(removal.run()));

    // Every table there is, and which of its columns could name the account.
    const auto [tables, left] = bed_.read([&](db::Transaction& t) {
        std::set<std::string> all;
        db::Rows names = t.select(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
        while (names.next())
            all.emplace(names.text(0));
        db::Rows row = t.select(
            "SELECT (SELECT count(*) FROM account WHERE did = $1 OR handle = $2 OR email = $3) "
            "+ (SELECT count(*) FROM signing_key WHERE account_id = $4) "
            "+ (SELECT count(*) FROM reserved_key WHERE did = $1) "
            "+ (SELECT count(*) FROM pending_signup WHERE did = $1) "
            "+ (SELECT count(*) FROM pending_handle) "
            "+ (SELECT count(*) FROM pending_signing_key) "
            "+ (SELECT count(*) FROM app_password WHERE account_id = $4) "
            "+ (SELECT count(*) FROM session WHERE account_id = $4) "
            "+ (SELECT count(*) FROM email_token WHERE account_id = $4) "
            "+ (SELECT count(*) FROM letter_limit WHERE account_id = $4) "
            "+ (SELECT count(*) FROM repo WHERE account_id = $4) "
            "+ (SELECT count(*) FROM repo_node) "
            "+ (SELECT count(*) FROM repo_collection) "
            "+ (SELECT count(*) FROM record) "
            "+ (SELECT count(*) FROM record_subject) "
            "+ (SELECT count(*) FROM record_blob) "
            "+ (SELECT count(*) FROM blob WHERE account_id = $4) "
            "+ (SELECT count(*) FROM blob_usage WHERE account_id = $4) "
            "+ (SELECT count(*) FROM mail_queue WHERE recipient = $3 OR handle = $2) "
            "+ (SELECT count(*) FROM mail_outbox WHERE recipient = $3)",
            ann_.did.text(), ann_.handle.text(), ann_.email, ann_.id);
        row.next();
        return std::pair(all, row.integer(0));
    });
    EXPECT_EQ(left, 0);
    EXPECT_EQ(tables,
              (std::set<std::string>{
                  "account", "signing_key", "reserved_key", "pending_signup", "pending_handle",
                  "pending_signing_key", "app_password", "session", "email_token", "letter_limit",
                  "repo", "repo_node", "repo_collection", "record", "record_subject", "record_blob",
                  "blob", "blob_usage", "mail_queue", "mail_outbox", "preference",
                  // Invitations count on, the network is told, the directory is public,
                  // and the log says what administrators did.
                  "invite_code", "invite_code_use", "event", "plc_operation", "schema_migration",
                  "write_probe", "event_horizon", "crawler", "blob_deletion", "blob_scrub",
                  "resync", "admin_act"}))
        << "a new table: does it hold anything of an account?";
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1) << "bob stays";
    EXPECT_EQ(bed_.count("SELECT count(*) FROM signing_key"), 1);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM mail_queue"), 1);
    const auto events = bed_.events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].body,
              (Object{{"did", ann_.did.text()}, {"active", false}, {"status", "deleted"}}));
    EXPECT_EQ(run(lifecycle_.erase(ann_, act())), "AccountNotFound");
    EXPECT_EQ(bed_.events().size(), 1U);
}

TEST_F(LifecycleTest, ErasedNamesAreFreeAgain) {
    EXPECT_EQ(run(lifecycle_.erase(ann_, act())), "");
    EXPECT_EQ(name_of(bed_.create(bed_.request("ann"))), "");
}

TEST_F(LifecycleTest, ErasingByCodeNeedsTheMailedOne) {
    const std::string code = email_code();
    EXPECT_EQ(run(lifecycle_.erase_with_code(ann_, "AAAAA-AAAAA")), "InvalidToken");
    bed_.execute("UPDATE email_token SET requested_at = requested_at - 901000000");
    EXPECT_EQ(run(lifecycle_.erase_with_code(ann_, code)), "ExpiredToken");
    EXPECT_EQ(bed_.count("SELECT wrong_tries FROM email_token"), 1) << "wrong tries are kept";
    EXPECT_TRUE(bed_.account(ann_.id));
    bed_.execute("UPDATE email_token SET requested_at = requested_at + 901000000");
    EXPECT_EQ(run(lifecycle_.erase_with_code(ann_, code)), "");
    EXPECT_FALSE(bed_.account(ann_.id));
}

TEST_F(LifecycleTest, DeletesWhatIsDueAndNothingElse) {
    const Account bob = bed_.add_account("bob.pds.test");
    const Account carl = bed_.add_account("carl.pds.test");
    EXPECT_EQ(run(lifecycle_.deactivate(ann_, Timestamp{now().us - 1})), "");
    EXPECT_EQ(run(lifecycle_.deactivate(bob, now().plus_s(3'600))), "");
    EXPECT_EQ(run(lifecycle_.erase_due()), "");
    EXPECT_FALSE(bed_.account(ann_.id));
    EXPECT_TRUE(bed_.account(bob.id));
    EXPECT_TRUE(bed_.account(carl.id));
    EXPECT_EQ(run(lifecycle_.erase_due()), "");
}

Task<void> erase_due_into(Lifecycle& lifecycle, std::string& outcome) {
    outcome = name_of(co_await lifecycle.erase_due());
}

TEST_F(LifecycleTest, WhoComesBackInTimeIsNotDeleted) {
    const Account bob = bed_.add_account("bob.pds.test");
    EXPECT_EQ(run(lifecycle_.deactivate(ann_, Timestamp{1})), "");
    EXPECT_EQ(run(lifecycle_.deactivate(bob, Timestamp{2})), "");
    // Both are found due; bob comes back while ann is being deleted.
    std::string outcome = "none";
    start_detached(erase_due_into(lifecycle_, outcome));
    bed_.write([&](db::Transaction& t) {
        account_store::set_deactivated(t, bob.id, std::nullopt, std::nullopt);
    });
    const auto until_done = [](const std::string& text) -> Task<void> {
        for (int i = 0; i < 10'000 && text == "none"; ++i)
            co_await sleep_ms(1);
    };
    bed_.loop.run(until_done(outcome));
    EXPECT_EQ(outcome, "");
    EXPECT_FALSE(bed_.account(ann_.id));
    EXPECT_TRUE(bed_.account(bob.id));
}

TEST_F(LifecycleTest, AnnouncesTheStatusAsItIs) {
    EXPECT_EQ(run(lifecycle_.announce(ann_, act())), "");
    EXPECT_EQ(bed_.events().at(0).body, (Object{{"did", ann_.did.text()}, {"active", true}}));
}

}  // namespace
}  // namespace roost::pds
