#include "pds/accounts/sign_up.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "atproto/plc/log.h"
#include "base/encoding.h"
#include "pds/accounts/invites.h"
#include "pds/testing_sign_up.h"

namespace roost::pds {
namespace {

using testing::name_of;
using testing::SignUpBed;
using Plc = testing::FakeNetwork::Plc;

class SignUpTest : public ::testing::Test {
  protected:
    std::string refusal(const SignUpRequest& request) { return name_of(bed_.create(request)); }

    SignUpBed bed_;
};

TEST_F(SignUpTest, MakesAWholeAccount) {
    const auto done = bed_.create(bed_.request("ann"));
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(done->account.handle.text(), "ann.pds.test");
    EXPECT_EQ(done->account.email, "ann@example.org");
    EXPECT_EQ(done->account.did.method(), "plc");
    EXPECT_TRUE(done->account.is_active());
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 0);
    const auto caller = bed_.loop.run(bed_.sessions.authenticate(done->tokens.access_jwt, now()));
    ASSERT_TRUE(caller.has_value());
    EXPECT_EQ((*caller)->account.did, done->account.did);
    ASSERT_TRUE(done->did_document);
    const auto document = atproto::DidDocument::parse(done->account.did, *done->did_document);
    ASSERT_TRUE(document.has_value());
    EXPECT_EQ(document->pds_endpoint(), testing::public_url);
    EXPECT_EQ(document->handle()->text(), "ann.pds.test");
    const std::string hash = *bed_.read(
        [&](db::Transaction& t) { return account_store::password_hash(t, done->account.id); });
    EXPECT_EQ(verify_password(SecretText("a password of ann"), hash), PasswordMatch::yes);
}

TEST_F(SignUpTest, RegistersAnIdentityThatVerifies) {
    const auto recovery = atproto::PrivateKey::generate(atproto::Curve::p256);
    SignUpRequest request = bed_.request("ann");
    request.recovery_key = recovery.public_key().did_key();
    const auto done = bed_.create(std::move(request));
    ASSERT_TRUE(done.has_value()) << done.error().message;
    const auto genesis = testing::must(atproto::plc::Operation::parse(
        testing::must(atproto::json::parse(bed_.network.operations.at(done->account.did.text())))));
    const std::vector log{genesis};
    const auto state = atproto::plc::verify_log(done->account.did, log);
    ASSERT_TRUE(state.has_value()) << state.error().message;
    EXPECT_EQ((*state)->rotation_keys, (std::vector{recovery.public_key().did_key(),
                                                    bed_.operator_key.public_key().did_key(),
                                                    bed_.rotation_key.public_key().did_key()}))
        << "the owner's key is the strongest";
    const auto key = bed_.read(
        [&](db::Transaction& t) { return key_store::find(t, done->account.id, bed_.vault); });
    EXPECT_EQ(
        (*state)->verification_methods,
        (std::vector{std::pair<std::string, std::string>{"atproto", key->public_key().did_key()}}));
    const auto head =
        bed_.read([&](db::Transaction& t) { return repo_store::find_head(t, done->account.id); });
    const auto commit = atproto::parse_commit(head->commit_block);
    ASSERT_TRUE(commit.has_value());
    EXPECT_TRUE(atproto::verify_commit(*commit, key->public_key()));
    EXPECT_EQ(commit->did, done->account.did);
    EXPECT_EQ(commit->rev, head->rev);
}

TEST_F(SignUpTest, TellsTheNetworkInOrder) {
    const auto done = bed_.create(bed_.request("ann"));
    ASSERT_TRUE(done.has_value());
    const std::string did = done->account.did.text();
    const auto events = bed_.events();
    ASSERT_EQ(events.size(), 4U);
    EXPECT_EQ(events[0].kind, "identity");
    EXPECT_EQ(events[0].body, (atproto::Object{{"did", did}, {"handle", "ann.pds.test"}}));
    EXPECT_EQ(events[1].kind, "account");
    EXPECT_EQ(events[1].body, (atproto::Object{{"did", did}, {"active", true}}));
    EXPECT_EQ(events[2].kind, "commit");
    EXPECT_EQ(*events[2].body.find("repo"), atproto::Value(did));
    EXPECT_EQ(events[3].kind, "sync");
    EXPECT_EQ(*events[3].body.find("rev"), *events[2].body.find("rev"));
}

TEST_F(SignUpTest, TheKeyIsDurableBeforeTheDirectoryHearsOfIt) {
    // The row that is there while the directory thinks.
    bed_.network.delay_ms = 50;
    std::optional<Result<SignUp::Done>> done;
    const auto run = [](SignUpBed& bed, auto& answer) -> Task<void> {
        answer.emplace(co_await bed.sign_up.create(bed.request("ann")));
    };
    start_detached(run(bed_, done));
    const auto until_asked = [](SignUpBed& bed) -> Task<void> {
        while (bed.network.requests.empty())
            co_await sleep_ms(1);
    };
    bed_.loop.run(until_asked(bed_));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 1);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 0);
    EXPECT_EQ(bed_.events().size(), 0U);
    const auto until_done = [](auto& answer) -> Task<void> {
        while (!answer)
            co_await sleep_ms(1);
    };
    bed_.loop.run(until_done(done));
    EXPECT_TRUE((*done).has_value());
}

// The bytes of the database's files.
std::string files_of(SignUpBed& bed) {
    const std::string path = bed.read([](db::Transaction& t) {
        db::Rows row = t.select("SELECT file FROM pragma_database_list WHERE name = 'main'");
        check(row.next(), "the database is a file");
        return std::string(row.text(0));
    });
    std::string content;
    for (const std::string suffix : {"", "-wal"}) {
        std::ifstream file(path + suffix, std::ios::binary);
        content.append(std::istreambuf_iterator<char>(file), {});
    }
    return content;
}

TEST_F(SignUpTest, NeitherKeyNorPasswordIsOnTheDiskInTheClear) {
    const auto done = bed_.create(bed_.request("ann"));
    ASSERT_TRUE(done.has_value()) << done.error().message;
    const auto key = bed_.read(
        [&](db::Transaction& t) { return key_store::find(t, done->account.id, bed_.vault); });
    ASSERT_TRUE(key.has_value());
    const std::string content = files_of(bed_);
    ASSERT_NE(content.find("ann.pds.test"), std::string::npos) << "these are the files";
    ASSERT_NE(content.find(key->public_key().did_key().substr(8)), std::string::npos);
    for (const SecretBytes& raw : {key->reveal_raw(), bed_.rotation_key.reveal_raw()}) {
        EXPECT_EQ(content.find(as_text(raw.reveal())), std::string::npos);
        EXPECT_EQ(content.find(hex_encode(raw.reveal())), std::string::npos);
        const std::string base64 = base64_encode_unpadded(raw.reveal());
        EXPECT_EQ(content.find(base64.substr(0, 42)), std::string::npos);
    }
    EXPECT_EQ(content.find("a password of ann"), std::string::npos);
    EXPECT_EQ(content.find(done->tokens.access_jwt), std::string::npos);
    EXPECT_EQ(content.find(done->tokens.refresh_jwt), std::string::npos);
}

TEST_F(SignUpTest, NamesWhatIsWrong) {
    SignUpRequest request = bed_.request("ann");
    request.handle = "ann pds test";
    EXPECT_EQ(refusal(request), "InvalidHandle");
    request.handle = "an.pds.test";
    EXPECT_EQ(refusal(request), "InvalidHandle");
    request.handle = "admin.pds.test";
    EXPECT_EQ(refusal(request), "HandleNotAvailable");
    request.handle = "ann.elsewhere.com";
    EXPECT_EQ(refusal(request), "UnsupportedDomain");
    request = bed_.request("ann");
    request.password = SecretText("short");
    EXPECT_EQ(refusal(request), "InvalidPassword");
    request.password = SecretText(std::string(257, 'x'));
    EXPECT_EQ(refusal(request), "InvalidPassword");
    for (const std::optional<std::string>& email :
         {std::optional<std::string>(), std::optional<std::string>(""),
          std::optional<std::string>("ann"),
          std::optional<std::string>("ann@example.org\r\nBcc: eve@example.org")}) {
        request = bed_.request("ann");
        request.email = email;
        EXPECT_EQ(refusal(request), "InvalidRequest") << email.value_or("none");
    }
    for (const std::string key : {"", "did:key:", "did:key:zNonsense", "zQ3sh"}) {
        request = bed_.request("ann");
        request.recovery_key = key;
        EXPECT_EQ(refusal(request), "InvalidRequest") << key;
    }
    EXPECT_EQ(bed_.rows_left(), 0);
    EXPECT_TRUE(bed_.network.requests.empty());
}

TEST_F(SignUpTest, HandleAndAddressAreForOne) {
    ASSERT_EQ(refusal(bed_.request("ann")), "");
    SignUpRequest request = bed_.request("bob");
    request.handle = "ANN.pds.test";
    EXPECT_EQ(refusal(request), "HandleNotAvailable");
    request = bed_.request("bob");
    request.email = "Ann@Example.org";
    const auto taken = bed_.create(request);
    EXPECT_EQ(name_of(taken), "InvalidRequest");
    EXPECT_EQ(taken.error().message, "Email already taken: ann@example.org");
    EXPECT_EQ(bed_.network.operations.size(), 1U) << "no identity was made for nothing";
}

TEST_F(SignUpTest, ARefusalByTheDirectoryLeavesNothing) {
    bed_.network.plc = Plc::refuses;
    const auto refused = bed_.create(bed_.request("ann"));
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("not like this"), std::string::npos);
    EXPECT_EQ(bed_.rows_left(), 0);
    bed_.network.plc = Plc::accepts;
    EXPECT_EQ(refusal(bed_.request("ann")), "");
}

TEST_F(SignUpTest, AnOutageOfTheDirectoryLeavesNothing) {
    for (const Plc plc : {Plc::is_unreachable, Plc::fails, Plc::keeps_and_dies}) {
        bed_.network.plc = plc;
        const auto failed = bed_.create(bed_.request("ann"));
        EXPECT_EQ(name_of(failed), "UpstreamFailure");
        EXPECT_EQ(failed.error().fault, Fault::upstream_failed);
        EXPECT_TRUE(failed.error().message.contains(
            "The handle, the e-mail address and the invite code are free"));
        EXPECT_EQ(bed_.rows_left(), 0);
    }
    bed_.network.plc = Plc::accepts;
    EXPECT_EQ(refusal(bed_.request("ann")), "");
}

TEST_F(SignUpTest, DoesNotSayThatThereIsNoAccountWhenItMayYetBe) {
    bed_.network.plc = Plc::is_unreachable;
    // The pending sign-up cannot be removed.
    bed_.execute(
        "CREATE TRIGGER stuck BEFORE DELETE ON pending_signup BEGIN "
        "SELECT RAISE(IGNORE); END");
    const auto failed = bed_.create(bed_.request("ann"));
    EXPECT_EQ(name_of(failed), "UpstreamFailure");
    EXPECT_TRUE(failed.error().message.contains("it is not decided")) << failed.error().message;
}

TEST_F(SignUpTest, ALostAnswerOfTheDirectoryLosesNoAccount) {
    bed_.network.plc = Plc::loses_the_answer;
    const auto done = bed_.create(bed_.request("ann"));
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_TRUE(bed_.network.operations.contains(done->account.did.text()));
    EXPECT_EQ(bed_.count("SELECT count(*) FROM account"), 1);
    EXPECT_EQ(bed_.count("SELECT count(*) FROM pending_signup"), 0);
}

class InvitedSignUpTest : public ::testing::Test {
  protected:
    InvitedSignUpTest() {
        bed_.write([](db::Transaction& t) {
            invites::insert(t, "one", 1, invites::admin, invites::admin, invites::State::enabled,
                            {1});
        });
    }
    std::string sign_up(const std::string& name, std::optional<std::string> code) {
        return name_of(bed_.create(bed_.request(name, std::move(code))));
    }

    SignUpBed bed_{InvitePolicy::required};
};

TEST_F(InvitedSignUpTest, TakesACodeOnce) {
    EXPECT_EQ(sign_up("ann", std::nullopt), "InvalidInviteCode");
    EXPECT_EQ(sign_up("ann", "unknown"), "InvalidInviteCode");
    EXPECT_EQ(sign_up("ann", "one"), "");
    EXPECT_EQ(sign_up("bob", "one"), "InvalidInviteCode");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM invite_code_use"), 1);
}

TEST_F(InvitedSignUpTest, AFailedSignUpUsesNoCode) {
    for (const Plc plc : {Plc::refuses, Plc::is_unreachable, Plc::keeps_and_dies}) {
        bed_.network.plc = plc;
        EXPECT_NE(sign_up("ann", "one"), "");
        EXPECT_EQ(bed_.rows_left(), 0);
    }
    bed_.network.plc = Plc::loses_the_answer;
    EXPECT_EQ(sign_up("ann", "one"), "");
    EXPECT_EQ(bed_.count("SELECT count(*) FROM invite_code_use"), 1);
}

TEST(SignUp, ACodeIsNotLookedAtWhereNoneIsNeeded) {
    SignUpBed bed;
    EXPECT_EQ(name_of(bed.create(bed.request("ann", "unknown"))), "");
}

}  // namespace
}  // namespace roost::pds
