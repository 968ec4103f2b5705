#include "pds/identity/plc_client.h"

#include <gtest/gtest.h>

#include "pds/limits.h"
#include "pds/testing_network.h"

namespace roost::pds {
namespace {

using testing::name_of;
using Outcome = PlcClient::Outcome;
using Plc = testing::FakeNetwork::Plc;

class PlcClientTest : public ::testing::Test {
  protected:
    PlcClient::Submission submit() {
        return loop_.run(client_.submit(ann_, atproto::json::write(genesis_.value())));
    }
    auto state() { return loop_.run(client_.state(ann_)); }
    // What the directory answers, whatever it is asked.
    Outcome outcome_of(int status, const std::string& body = "{}") {
        PlcClient elsewhere(network_, "https://other.example");
        network_.pages["https://other.example/" + ann_.text()] = {status, body};
        return loop_.run(elsewhere.submit(ann_, "{}")).outcome;
    }

    RunLoop loop_;
    testing::FakeNetwork network_;
    PlcClient client_{network_, std::string(testing::plc_url)};
    atproto::PrivateKey key_ = atproto::PrivateKey::generate(atproto::Curve::k256);
    atproto::plc::State state_ = atproto::plc::make_state(
        testing::handle_of("ann.test"), key_.public_key(), "https://pds.test", {key_.public_key()});
    atproto::plc::Operation genesis_ = atproto::plc::Operation::sign(state_, std::nullopt, key_);
    atproto::Did ann_ = genesis_.make_did();
};

TEST_F(PlcClientTest, PostsTheOperationAsItIs) {
    EXPECT_EQ(submit().outcome, Outcome::accepted);
    ASSERT_EQ(network_.requests.size(), 1U);
    const net::ClientRequest& request = network_.requests[0];
    EXPECT_EQ(request.method, net::Method::post);
    EXPECT_EQ(request.url, "https://plc.example/" + ann_.text());
    EXPECT_EQ(request.content_type, "application/json");
    EXPECT_EQ(request.body, atproto::json::write(genesis_.value()));
    EXPECT_EQ(request.policy, net::AddressPolicy::configured);
}

TEST_F(PlcClientTest, TellsARefusalFromWhatCannotBeKnown) {
    network_.plc = Plc::refuses;
    EXPECT_EQ(submit().outcome, Outcome::refused);
    EXPECT_EQ(submit().message, "not like this");
    for (const Plc plc : {Plc::fails, Plc::loses_the_answer, Plc::is_unreachable}) {
        network_.plc = plc;
        EXPECT_EQ(submit().outcome, Outcome::unknown);
    }
    for (const int status : {200, 201, 204})
        EXPECT_EQ(outcome_of(status), Outcome::accepted);
    for (const int status : {400, 404, 409, 413})
        EXPECT_EQ(outcome_of(status), Outcome::refused);
    for (const int status : {301, 302, 408, 429, 500, 502, 503, 504})
        EXPECT_EQ(outcome_of(status), Outcome::unknown) << status;
    EXPECT_EQ(outcome_of(400, "<html>"), Outcome::refused);
    EXPECT_EQ(outcome_of(400, "[1]"), Outcome::refused);
    EXPECT_EQ(outcome_of(400, R"({"message":5})"), Outcome::refused);
}

TEST_F(PlcClientTest, ReadsTheState) {
    EXPECT_FALSE(state()->has_value()) << "not registered";
    submit();
    const auto found = state();
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ(**found, state_);
}

TEST_F(PlcClientTest, ReadsTheLastOperation) {
    const auto last = [&] { return loop_.run(client_.last_operation(ann_)); };
    EXPECT_FALSE(last()->has_value()) << "not registered";
    submit();
    EXPECT_EQ((*last())->cid(), genesis_.cid());
    network_.operations[ann_.text()] =
        atproto::json::write(atproto::plc::Operation::sign_tombstone(genesis_.cid(), key_).value());
    EXPECT_EQ((*last())->kind(), atproto::plc::Kind::tombstone);
    for (const std::string odd : {"<html>", "{}", "[]", R"({"type":"plc_operation"})"}) {
        PlcClient elsewhere(network_, "https://other.example");
        network_.pages["https://other.example/" + ann_.text() + "/log/last"] = {200, odd};
        EXPECT_EQ(name_of(loop_.run(elsewhere.last_operation(ann_))), "UpstreamFailure") << odd;
    }
}

TEST_F(PlcClientTest, DocumentsComeFromASecondDirectoryWhileTheFirstFails) {
    submit();
    PlcClient client(network_, "https://first.example", std::string(testing::plc_url));
    const auto document = [&] { return loop_.run(client.document(ann_, 1'000)); };
    auto& first = network_.pages["https://first.example/" + ann_.text()];
    first = {200, "its own"};
    EXPECT_EQ(document()->text, "its own");
    first = {404, ""};
    EXPECT_FALSE(document()->text) << "an absence is an answer";
    first = {410, ""};
    EXPECT_TRUE(document()->was_ended);
    first = {500, ""};
    EXPECT_NE(document()->text->find(ann_.text()), std::string::npos);
    network_.pages.clear();
    EXPECT_NE(document()->text->find(ann_.text()), std::string::npos);
    EXPECT_EQ(network_.requests.back().timeout_ms, 500) << "both share the time";
    // What is about to be changed is not read there, and an absence there proves nothing.
    EXPECT_FALSE(loop_.run(client.state(ann_)).has_value());
    EXPECT_FALSE(loop_.run(client.last_operation(ann_)).has_value());
    network_.operations.clear();
    EXPECT_FALSE(document().has_value());
}

TEST_F(PlcClientTest, AnOutageIsNotAnAbsence) {
    for (const Plc plc : {Plc::fails, Plc::is_unreachable}) {
        network_.plc = plc;
        EXPECT_EQ(name_of(state()), "UpstreamFailure");
        EXPECT_EQ(name_of(loop_.run(client_.document(ann_, 1'000))), "UpstreamFailure");
    }
    PlcClient elsewhere(network_, "https://other.example");
    const auto ask = [&](int status, const std::string& body) {
        network_.pages["https://other.example/" + ann_.text() + "/data"] = {status, body};
        return loop_.run(elsewhere.state(ann_));
    };
    EXPECT_FALSE(ask(404, "")->has_value());
    EXPECT_FALSE(ask(410, "")->has_value()) << "a tombstone";
    EXPECT_FALSE(ask(429, "{}").has_value());
    EXPECT_FALSE(ask(200, "<html>").has_value());
    EXPECT_FALSE(ask(200, "[]").has_value());
    EXPECT_FALSE(ask(200, "").has_value());
    const auto odd =
        ask(200, R"({"rotationKeys":"x","services":[1],"verificationMethods":{"a":1}})");
    ASSERT_TRUE(odd.has_value() && odd->has_value());
    EXPECT_EQ(**odd, atproto::plc::State()) << "what is not understood proves nothing";
}

TEST_F(PlcClientTest, ALookUpWaitsAsLongAsItsCallerSays) {
    submit();
    (void)state();
    (void)loop_.run(client_.document(ann_, 1'234));
    ASSERT_EQ(network_.requests.size(), 3U);
    EXPECT_EQ(network_.requests[0].timeout_ms, limits::plc_timeout_ms);
    EXPECT_EQ(network_.requests[1].timeout_ms, limits::plc_timeout_ms);
    EXPECT_EQ(network_.requests[2].timeout_ms, 1'234);
}

}  // namespace
}  // namespace roost::pds
