#include "pds/identity/resolver.h"

#include <gtest/gtest.h>

#include "pds/identity/limits.h"
#include "pds/limits.h"
#include "pds/testing_network.h"

namespace roost::pds {
namespace {

using testing::did_of;
using testing::handle_of;

using DocumentFlight = Flight<atproto::DidDocument>;
using DidCache = LookUpCache<atproto::DidDocument>;

class ResolverTest : public ::testing::Test {
  protected:
    auto document(std::string_view did) { return loop_.run(resolver_.did_document(did_of(did))); }
    static std::string text_of(const FoundDid& did) {
        if (!did.has_value()) return did.error().name;
        return *did ? (*did)->text() : "none";
    }
    std::string handle(std::string_view text) {
        return text_of(loop_.run(resolver_.handle(handle_of(text))));
    }
    void page(const std::string& url, const std::string& body, int status = 200) {
        network_.pages[url] = {status, body};
    }

    RunLoop loop_;
    testing::FakeNetwork network_;
    PlcClient plc_{network_, std::string(testing::plc_url)};
    Resolver resolver_{
        network_, plc_, {.timeout_ms = 1'000, .ages = {.stale_ms = 60'000, .max_ms = 120'000}}};
};

TEST_F(ResolverTest, AsksTheDirectoryForPlc) {
    const auto key = atproto::PrivateKey::generate(atproto::Curve::k256);
    const auto did = did_of("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
    network_.publish(did,
                     atproto::plc::make_state(handle_of("ann.test"), key.public_key(),
                                              "https://pds.test", {key.public_key()}),
                     key);
    const auto found = document(did.text());
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->signing_key(), key.public_key());
    EXPECT_FALSE(document("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb")->has_value());
    network_.plc = testing::FakeNetwork::Plc::is_unreachable;
    EXPECT_FALSE(document(did.text()).has_value());
}

TEST_F(ResolverTest, AsksTheHostForWeb) {
    page("https://ann.net/.well-known/did.json", R"({"id":"did:web:ann.net"})");
    const auto found = document("did:web:ann.net");
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->did().text(), "did:web:ann.net");
    EXPECT_EQ(network_.requests.at(0).policy, net::AddressPolicy::public_only);
    page("https://gone.net/.well-known/did.json", "", 404);
    EXPECT_FALSE(document("did:web:gone.net")->has_value());
    page("https://ill.net/.well-known/did.json", "", 503);
    EXPECT_FALSE(document("did:web:ill.net").has_value());
    page("https://eve.net/.well-known/did.json", R"({"id":"did:web:ann.net"})");
    EXPECT_FALSE(document("did:web:eve.net").has_value()) << "a document about somebody else";
    page("https://odd.net/.well-known/did.json", "<html>");
    EXPECT_FALSE(document("did:web:odd.net").has_value());
    EXPECT_FALSE(document("did:web:unreachable.net").has_value());
}

TEST_F(ResolverTest, ADocumentIsGivenOutAsJson) {
    page("https://ann.net/.well-known/did.json", R"({"id":"did:web:ann.net"})");
    for (const char* type :
         {"application/json", "application/did+json; charset=utf-8", "Application/DID+LD+JSON",
          "text/plain;charset=UTF-8", "application/octet-stream"}) {
        network_.content_type = type;
        EXPECT_TRUE(document("did:web:ann.net").has_value()) << type;
    }
    for (const char* type : {"text/html", "image/svg+xml", "application/jsonx", "json"}) {
        network_.content_type = type;
        EXPECT_FALSE(document("did:web:ann.net").has_value()) << type;
    }
}

TEST_F(ResolverTest, AWebDidIsAHostAndNothingElse) {
    for (const std::string_view did :
         {"did:web:ann.net:path", "did:web:ann.net%2Fpath", "did:web:ann.net%3Fx", "did:web:x%23",
          "did:web:user%40ann.net", "did:web:ann.net%5Cx", "did:web:ann.net%0D%0Ax",
          "did:web:ann.net%00"}) {
        const auto found = document(did);
        EXPECT_TRUE(found.has_value() && !found->has_value()) << did;
    }
    EXPECT_TRUE(network_.requests.empty());
}

TEST_F(ResolverTest, OnlyLocalhostGoesWithoutTls) {
    page("http://localhost:2583/.well-known/did.json", R"({"id":"did:web:localhost%3A2583"})");
    EXPECT_TRUE(document("did:web:localhost%3A2583")->has_value());
    EXPECT_FALSE(document("did:web:localhost.evil.net").has_value());
    EXPECT_EQ(network_.requests.back().url, "https://localhost.evil.net/.well-known/did.json");
}

TEST_F(ResolverTest, OtherMethodsAreUnknown) {
    EXPECT_FALSE(document("did:key:zQ3shabc")->has_value());
    EXPECT_TRUE(network_.requests.empty());
}

TEST_F(ResolverTest, ResolvesHandlesByDns) {
    network_.txt["_atproto.ann.net"] = {"v=spf1", "did=did:web:ann.net"};
    EXPECT_EQ(handle("Ann.net"), "did:web:ann.net");
    network_.txt["_atproto.ann.net"] = {"did=did:web:a.net", "did=did:web:a.net"};
    EXPECT_EQ(handle("ann.net"), "did:web:a.net");
    network_.txt["_atproto.ann.net"] = {"did=did:web:a.net", "did=did:web:b.net"};
    EXPECT_EQ(handle("ann.net"), "none") << "two claims are none";
    EXPECT_TRUE(network_.requests.empty());
    network_.txt["_atproto.ann.net"] = {"did=nonsense"};
    EXPECT_EQ(handle("ann.net"), "none");
}

TEST_F(ResolverTest, ResolvesHandlesByTheWeb) {
    page("https://ann.net/.well-known/atproto-did", " did:web:ann.net\r\n");
    EXPECT_EQ(handle("ann.net"), "did:web:ann.net");
    page("https://bob.net/.well-known/atproto-did", "did:web:bob.net", 404);
    EXPECT_EQ(handle("bob.net"), "none");
    page("https://carl.net/.well-known/atproto-did", "<html>did:web:carl.net</html>");
    EXPECT_EQ(handle("carl.net"), "none");
    EXPECT_EQ(handle("nobody.net"), "none");
    EXPECT_LE(network_.requests.at(0).response_bytes_max, 4U * 1024);
}

TEST_F(ResolverTest, TheFirstLineOfAHostsAnswerCounts) {
    page("https://ann.net/.well-known/atproto-did", "did:web:ann.net\nand more");
    EXPECT_EQ(handle("ann.net"), "did:web:ann.net");
}

TEST_F(ResolverTest, AsksTheBackupNameServersLast) {
    network_.backup_txt["_atproto.ann.net"] = {"did=did:web:backup.net"};
    EXPECT_EQ(handle("ann.net"), "did:web:backup.net");
    page("https://ann.net/.well-known/atproto-did", "did:web:page.net");
    EXPECT_EQ(handle("ann.net"), "did:web:page.net");
    network_.txt["_atproto.ann.net"] = {"did=did:web:dns.net"};
    EXPECT_EQ(handle("ann.net"), "did:web:dns.net");
}

TEST_F(ResolverTest, TellsAnOutageFromAHandleThatNamesNobody) {
    page("https://ann.net/.well-known/atproto-did", "oops", 503);
    EXPECT_EQ(handle("ann.net"), "UpstreamFailure");
    page("https://ann.net/.well-known/atproto-did", "", 404);
    EXPECT_EQ(handle("ann.net"), "none");
    EXPECT_EQ(handle("no-web-server.net"), "none");
    network_.is_dns_down = true;
    EXPECT_EQ(handle("no-web-server.net"), "UpstreamNotReached");
    EXPECT_EQ(handle("ann.net"), "none") << "the host has said so";
    network_.backup_txt["_atproto.no-web-server.net"] = {"did=did:web:backup.net"};
    EXPECT_EQ(handle("no-web-server.net"), "did:web:backup.net");
}

TEST_F(ResolverTest, ADidThatWasEndedHasAnErrorOfItsOwn) {
    const auto key = atproto::PrivateKey::generate(atproto::Curve::k256);
    const auto did = did_of("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
    const auto state = atproto::plc::make_state(handle_of("ann.test"), key.public_key(),
                                                "https://pds.test", {key.public_key()});
    const auto first = atproto::plc::Operation::sign(state, std::nullopt, key);
    network_.operations[did.text()] =
        atproto::json::write(atproto::plc::Operation::sign_tombstone(first.cid(), key).value());
    EXPECT_EQ(document(did.text()).error().name, "DidDeactivated");
    const auto again = loop_.run(resolver_.remembered_did_document(did, now()));
    EXPECT_EQ(again.error().name, "DidDeactivated");
    EXPECT_EQ(network_.requests.size(), 1U);
}

TEST_F(ResolverTest, AHostIsNotAskedTooOften) {
    page("https://ann.net/.well-known/did.json", R"({"id":"did:web:ann.net"})");
    const auto asked = [this] { return static_cast<std::int64_t>(network_.requests.size()); };
    // A window may end in the middle.
    for (std::int64_t i = 0; i < 3 * limits::fetches_per_host_max; ++i)
        (void)document("did:web:ann.net");
    EXPECT_LE(asked(), 2 * limits::fetches_per_host_max);
    const auto refused = document("did:web:ann.net");
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().fault, Fault::unavailable);
    // What was found before stays.
    EXPECT_TRUE(
        loop_.run(resolver_.remembered_did_document(did_of("did:web:ann.net"), now())).has_value());
    const std::int64_t before = asked();
    EXPECT_EQ(handle("ann.net"), "TooManyLookUps") << "its handles count with it";
    EXPECT_EQ(asked(), before);
}

TEST_F(ResolverTest, HandlesAreRememberedForAWhile) {
    const Timestamp time = now();
    const auto remembered = [&](std::int64_t ms) {
        return text_of(
            loop_.run(resolver_.remembered_handle(handle_of("ann.net"), time.plus_ms(ms))));
    };
    EXPECT_EQ(remembered(0), "none");
    network_.txt["_atproto.ann.net"] = {"did=did:web:a.net"};
    EXPECT_EQ(remembered(limits::did_retry_ms - 1), "none") << "absences, for a moment";
    EXPECT_EQ(remembered(limits::did_retry_ms), "did:web:a.net");
    network_.txt["_atproto.ann.net"] = {"did=did:web:b.net"};
    EXPECT_EQ(remembered(limits::handle_stale_ms), "did:web:a.net");
    EXPECT_EQ(handle("ann.net"), "did:web:b.net") << "who asks now is answered now";
    EXPECT_EQ(remembered(limits::handle_stale_ms), "did:web:b.net");
}

TEST_F(ResolverTest, ManyWhoAskForAHandleAtOnceCauseOneLookUp) {
    network_.delay_ms = 20;
    page("https://ann.net/.well-known/atproto-did", "did:web:ann.net");
    std::vector<std::string> answers;
    const auto tell = [](Task<FoundDid> asked, std::vector<std::string>& said) -> Task<void> {
        said.push_back(text_of(co_await std::move(asked)));
    };
    for (int i = 0; i < 10; ++i)
        start_detached(tell(resolver_.remembered_handle(handle_of("ann.net"), now()), answers));
    EXPECT_EQ(text_of(loop_.run(resolver_.remembered_handle(handle_of("ann.net"), now()))),
              "did:web:ann.net");
    loop_.run([]() -> Task<void> { co_await sleep_ms(10); }());
    EXPECT_EQ(answers, std::vector<std::string>(10, "did:web:ann.net"));
    EXPECT_EQ(network_.requests.size(), 1U);
}

class RememberedTest : public ResolverTest {
  protected:
    RememberedTest() { show("one"); }
    // The document says this.
    void show(const std::string& word) {
        page(url_, R"({"id":"did:web:ann.net","word":")" + word + "\"}");
    }
    Task<FoundDocument> ask(std::int64_t at_ms) {
        return resolver_.remembered_did_document(ann_, start_.plus_ms(at_ms));
    }
    static std::string word_of(const FoundDocument& found) {
        if (!found.has_value()) return found.error().name;
        if (!found->has_value()) return "none";
        return *(*found)->value().as<atproto::Object>()->find("word")->as<std::string>();
    }
    std::string word_at(std::int64_t at_ms) { return word_of(loop_.run(ask(at_ms))); }

    const atproto::Did ann_ = did_of("did:web:ann.net");
    const std::string url_ = "https://ann.net/.well-known/did.json";
    const Timestamp start_{1'800'000'000'000'000};
};

TEST_F(RememberedTest, IsAskedForOnceWhileItIsFresh) {
    EXPECT_EQ(word_at(0), "one");
    show("two");
    EXPECT_EQ(word_at(59'999), "one");
    EXPECT_EQ(network_.requests.size(), 1U);
    EXPECT_EQ(network_.requests[0].timeout_ms, 1'000);
}

TEST_F(RememberedTest, IsGivenOutWhileItIsStaleAndAskedForMeanwhile) {
    EXPECT_EQ(word_at(0), "one");
    show("two");
    network_.delay_ms = 20;
    EXPECT_EQ(word_at(60'000), "one") << "nobody waits";
    EXPECT_EQ(word_at(60'000), "one");
    EXPECT_EQ(network_.requests.size(), 2U) << "one look-up at a time";
    loop_.run([]() -> Task<void> { co_await sleep_ms(100); }());
    EXPECT_EQ(word_at(60'001), "two");
    EXPECT_EQ(network_.requests.size(), 2U);
}

TEST_F(RememberedTest, IsNotGivenOutWhenItIsTooOld) {
    EXPECT_EQ(word_at(0), "one");
    show("two");
    EXPECT_EQ(word_at(120'000), "two");
    EXPECT_EQ(network_.requests.size(), 2U);
}

TEST_F(RememberedTest, AFailureDoesNotReplaceItBeforeItIsTooOld) {
    EXPECT_EQ(word_at(0), "one");
    network_.pages.clear();
    EXPECT_EQ(word_at(60'000), "one");
    EXPECT_EQ(word_at(64'999), "one");
    EXPECT_EQ(network_.requests.size(), 2U) << "the failure is not repeated at once";
    EXPECT_EQ(word_at(65'000), "one");
    EXPECT_EQ(network_.requests.size(), 3U);
    EXPECT_EQ(word_at(120'000), "UpstreamNotReached");
}

TEST_F(RememberedTest, FailuresAndAbsencesAreKeptForAMoment) {
    network_.pages.clear();
    EXPECT_EQ(word_at(0), "UpstreamNotReached");
    show("one");
    EXPECT_EQ(word_at(4'999), "UpstreamNotReached");
    EXPECT_EQ(network_.requests.size(), 1U);
    EXPECT_EQ(word_at(5'000), "one");
    page(url_, "", 404);
    EXPECT_EQ(word_at(125'000), "none");
    show("two");
    EXPECT_EQ(word_at(129'999), "none");
    EXPECT_EQ(word_at(130'000), "two");
}

TEST_F(RememberedTest, ManyWhoAskAtOnceCauseOneLookUp) {
    network_.delay_ms = 20;
    std::vector<std::string> words;
    const auto tell = [](Task<FoundDocument> asked, std::vector<std::string>& said) -> Task<void> {
        said.push_back(word_of(co_await std::move(asked)));
    };
    for (int i = 0; i < 10; ++i)
        start_detached(tell(ask(0), words));
    EXPECT_EQ(word_at(0), "one");
    loop_.run([]() -> Task<void> { co_await sleep_ms(10); }());
    EXPECT_EQ(words, std::vector<std::string>(10, "one"));
    EXPECT_EQ(network_.requests.size(), 1U);
}

TEST_F(RememberedTest, WhoeverGivesUpDisturbsNobody) {
    DocumentFlight flight;
    bool was_resumed = false;
    loop_.run([](DocumentFlight& of, bool& resumed) -> Task<void> {
        {
            // As if the task that waits were destroyed.
            DocumentFlight::Landing abandoned(of, std::nullopt);
            EXPECT_TRUE(abandoned.await_suspend(std::noop_coroutine()));
        }
        start_detached([](DocumentFlight& waited, bool& said) -> Task<void> {
            said = word_of(*co_await waited.landing()) == "none";
        }(of, resumed));
        of.land(std::optional<atproto::DidDocument>());
        EXPECT_FALSE(resumed) << "not inside of whoever lands it";
        co_await sleep_ms(1);
    }(flight, was_resumed));
    EXPECT_TRUE(was_resumed);
}

TEST_F(RememberedTest, WhoAsksNowIsAnsweredNowAndRefreshesIt) {
    const Timestamp today = now();
    const auto remembered = [&] {
        return word_of(loop_.run(resolver_.remembered_did_document(ann_, today)));
    };
    EXPECT_EQ(remembered(), "one");
    show("two");
    EXPECT_EQ(word_of(document(ann_.text())), "two");
    EXPECT_EQ(network_.requests.size(), 2U);
    EXPECT_EQ(remembered(), "two");
    EXPECT_EQ(network_.requests.size(), 2U);
}

TEST_F(RememberedTest, LargeOnesAreNotKept) {
    show(std::string(limits::cached_did_document_bytes_max, 'x'));
    (void)word_at(0);
    (void)word_at(0);
    EXPECT_EQ(network_.requests.size(), 2U);
}

DidCache small_cache() {
    return DidCache({.stale_ms = 60'000,
                     .max_ms = 120'000,
                     .retry_ms = 5'000,
                     .entries_max = 100,
                     .bytes_max = 1'000,
                     .flights_max = 3});
}

TEST(LookUpCache, TheLeastUsedMakeRoom) {
    DidCache cache = small_cache();
    const auto did = [](std::size_t i) { return "did:web:n" + std::to_string(i) + ".net"; };
    const FoundDocument none = Error{Fault::upstream_failed, "UpstreamFailure", "no such host"};
    const Timestamp time{1'800'000'000'000'000};
    for (std::size_t i = 0; i < 100; ++i)
        cache.store(did(i), none, 0, time);
    EXPECT_TRUE(cache.ask(did(0), time).remembered);
    cache.store(did(100), none, 0, time);
    EXPECT_EQ(cache.size(), 100U);
    EXPECT_TRUE(cache.ask(did(0), time).remembered) << "it was just used";
    EXPECT_FALSE(cache.ask(did(1), time).remembered);
    cache.store(did(101), none, 990, time);
    EXPECT_EQ(cache.size(), 100U);
    cache.store(did(102), none, 20, time);
    EXPECT_EQ(cache.size(), 1U) << "all together were too large";
    EXPECT_TRUE(cache.ask(did(102), time).remembered);
}

TEST(LookUpCache, BoundsWhatIsUnderWay) {
    DidCache cache = small_cache();
    const Timestamp time{1'800'000'000'000'000};
    for (const char* key : {"a", "b", "c"})
        EXPECT_TRUE(cache.ask(key, time).must_fly);
    EXPECT_FALSE(cache.ask("a", time).must_fly);
    EXPECT_TRUE(cache.ask("a", time).flight);
    const DidCache::Answer refused = cache.ask("d", time);
    EXPECT_FALSE(refused.flight || refused.remembered);
    cache.end_flight("a");
    EXPECT_TRUE(cache.ask("d", time).must_fly);
}

TEST(LookUpCache, WhoWaitsLongEnoughGoesOn) {
    RunLoop loop;
    DocumentFlight flight;
    const auto wait = [](DocumentFlight& of, std::int64_t ms) -> Task<bool> {
        co_return (co_await of.landing(ms)).has_value();
    };
    EXPECT_FALSE(loop.run(wait(flight, 5)));
    start_detached([](DocumentFlight& of) -> Task<void> {
        co_await sleep_ms(5);
        of.land(std::optional<atproto::DidDocument>());
    }(flight));
    EXPECT_TRUE(loop.run(wait(flight, 10'000)));
    EXPECT_TRUE(loop.run(wait(flight, 0)));
}

}  // namespace
}  // namespace roost::pds
