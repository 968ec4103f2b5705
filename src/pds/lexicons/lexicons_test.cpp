#include "pds/lexicons/lexicons.h"

#include <gtest/gtest.h>

#include <map>

#include "atproto/data/cbor.h"
#include "atproto/lexicon/validate.h"
#include "atproto/mst/tree.h"
#include "atproto/repo/car.h"
#include "atproto/repo/commit.h"
#include "pds/lexicons/limits.h"
#include "pds/testing_network.h"

namespace roost::pds {
namespace {

using testing::did_of;
using testing::must;

atproto::Nsid nsid_of(std::string_view text) {
    return must(atproto::Nsid::parse(text));
}

// A server in the fake network, where an account publishes lexicons.
class Publisher {
  public:
    Publisher(testing::FakeNetwork& network, std::string host) : network_(network), host_(host) {
        show_key(key_.public_key());
    }
    void show_key(const atproto::PublicKey& key) {
        network_.pages["https://" + host_ + "/.well-known/did.json"] = {
            200, R"({"id": ")" + did() + R"(", "verificationMethod": [{"id": ")" + did() +
                     R"(#atproto", "type": "Multikey", "controller": ")" + did() +
                     R"(", "publicKeyMultibase": ")" + key.multikey() +
                     R"("}], "service": [{"id": "#atproto_pds", )" +
                     R"("type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://)" +
                     host_ + R"("}]})"};
    }
    std::string did() const { return "did:web:" + host_; }
    void claim(const std::string& domain) {
        network_.txt["_lexicon." + domain] = {"v=1", "did=" + did()};
    }
    std::string url(const std::string& nsid) const {
        return "https://" + host_ +
               "/xrpc/com.atproto.sync.getRecord?did=" + net::percent_encode(did()) +
               "&collection=com.atproto.lexicon.schema&rkey=" + nsid;
    }
    // Answers for `at` with a proof that the repository holds this record under this key.
    void publish(const std::string& at, const Bytes& record, std::string key = "") {
        if (key.empty()) key = at;
        const auto cid = atproto::Cid::of(atproto::Codec::dag_cbor, record);
        const std::vector<atproto::mst::KeyValue> pairs{{"com.atproto.lexicon.schema/" + key, cid}};
        const atproto::mst::Tree tree = must(atproto::mst::build_tree(pairs));
        const Bytes commit = atproto::encode_commit(atproto::sign_commit(
            did_of(did()), tree.root(), must(atproto::Tid::parse("3jzfcijpj2z2a")), key_));
        atproto::Blocks blocks{{atproto::Cid::of(atproto::Codec::dag_cbor, commit), commit}};
        for (const atproto::Block& node : atproto::mst::nodes_in_memory(tree))
            blocks.push_back(node);
        if (key == at) blocks.push_back({cid, record});
        const Bytes car = atproto::write_car(blocks[0].cid, blocks);
        network_.pages[url(at)] = {200, std::string(as_text(car))};
    }
    void publish(const std::string& nsid, const std::string& definitions) {
        publish(nsid, record_of(nsid, definitions));
    }
    static Bytes record_of(const std::string& nsid, const std::string& definitions,
                           const std::string& type = "com.atproto.lexicon.schema") {
        return atproto::cbor::encode(
            must(atproto::json::parse(R"({"$type": ")" + type + R"(", "lexicon": 1, "id": ")" +
                                      nsid + R"(", "defs": )" + definitions + "}")));
    }

    atproto::PrivateKey key_ = atproto::PrivateKey::generate(atproto::Curve::k256);

  private:
    testing::FakeNetwork& network_;
    std::string host_;
};

constexpr std::string_view note = R"({"main": {"type": "record", "key": "any", "record":
    {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}}})";

lexicon::Catalog house_catalog() {
    const std::vector<std::string_view> texts{R"({"lexicon": 1, "id": "our.own.note", "defs": {
        "main": {"type": "record", "key": "any", "record": {"type": "object",
            "properties": {"text": {"type": "string"}}}},
        "word": {"type": "string", "maxLength": 3}}})"};
    return must(lexicon::Catalog::of(texts));
}

class LexiconsTest : public ::testing::Test {
  protected:
    LexiconsTest() {
        ann_.claim("example.com");
        ann_.publish(note_, std::string(note));
    }
    Result<Lexicons::Rules> find_at(std::int64_t at_ms, std::string_view nsid,
                                    std::int64_t wait_ms = 60'000) {
        return loop_.run(lexicons_.find(nsid_of(nsid), wait_ms, start_.plus_ms(at_ms)));
    }
    Result<Lexicons::Rules> find(std::string_view nsid) { return find_at(0, nsid); }
    // Why not; "" if it was found.
    std::string refusal(std::string_view nsid) {
        const auto found = find(nsid);
        if (found.has_value()) return "";
        EXPECT_EQ(found.error().name, "InvalidRequest");
        EXPECT_EQ(found.error().fault, Fault::invalid);
        const std::string start =
            "Unknown lexicon type: " + std::string(nsid) + " (its lexicon could not be resolved: ";
        EXPECT_TRUE(found.error().message.starts_with(start)) << found.error().message;
        return found.error().message.substr(start.size());
    }
    static std::string issue(const Lexicons::Rules& rules, std::string_view collection,
                             std::string_view record) {
        const atproto::Value value = must(atproto::json::parse(record));
        const auto status =
            lexicon::validate_record(*rules, collection, {.key = "x", .value = value});
        return status.has_value() ? "" : status.error().message;
    }
    std::size_t asked() { return std::exchange(network_.requests, {}).size(); }

    const std::string note_ = "com.example.note";
    const Timestamp start_{1'800'000'000'000'000};
    RunLoop loop_;
    testing::FakeNetwork network_;
    PlcClient plc_{network_, std::string(testing::plc_url)};
    Resolver resolver_{
        network_, plc_, {.timeout_ms = 1'000, .ages = {.stale_ms = 60'000, .max_ms = 120'000}}};
    const lexicon::Catalog house_ = house_catalog();
    Lexicons lexicons_{network_, resolver_, house_};
    Publisher ann_{network_, "ann.net"};
};

TEST(PublisherName, IsTheReversedAuthority) {
    EXPECT_EQ(publisher_name(nsid_of("app.toy.record")), "_lexicon.toy.app");
    EXPECT_EQ(publisher_name(nsid_of("edu.university.dept.lab.blogging.getBlogPost")),
              "_lexicon.blogging.lab.dept.university.edu");
}

TEST_F(LexiconsTest, FindsWhatItsAuthorPublishes) {
    EXPECT_TRUE(lexicons_.is_foreign(nsid_of(note_)));
    EXPECT_FALSE(lexicons_.is_foreign(nsid_of("our.own.note")));
    EXPECT_EQ(lexicons_.remembered(nsid_of(note_), start_), nullptr);
    EXPECT_EQ(asked(), 0U) << "who does not wait asks nobody";
    const auto rules = must(find(note_));
    EXPECT_EQ(issue(rules, note_, R"({"$type": "com.example.note", "text": "hi"})"), "");
    EXPECT_EQ(issue(rules, note_, R"({"$type": "com.example.note"})"),
              "Invalid com.example.note record: Missing required key \"text\" at $.record");
    ASSERT_EQ(network_.requests.size(), 2U);
    EXPECT_EQ(network_.requests[1].url, ann_.url(note_));
    for (const net::ClientRequest& request : network_.requests)
        EXPECT_EQ(request.policy, net::AddressPolicy::public_only);
    EXPECT_EQ(lexicons_.remembered(nsid_of(note_), start_), rules);
}

TEST_F(LexiconsTest, FollowsReferencesToOtherAuthors) {
    Publisher bob(network_, "bob.net");
    bob.claim("defs.example.com");
    bob.publish("com.example.defs.who",
                R"({"main": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "ref", "ref": "our.own.note#word"}}}})");
    ann_.publish("com.example.letter", R"({"main": {"type": "record", "key": "any", "record":
        {"type": "object", "properties": {
            "to": {"type": "ref", "ref": "com.example.defs.who"}}}}})");
    const auto rules = must(find("com.example.letter"));
    EXPECT_EQ(issue(rules, "com.example.letter", R"({"$type": "com.example.letter", "to": {}})"),
              "Invalid com.example.letter record: Missing required key \"name\" at $.record.to");
    EXPECT_EQ(issue(rules, "com.example.letter",
                    R"({"$type": "com.example.letter", "to": {"name": "long"}})"),
              "Invalid com.example.letter record: string too big (maximum 3, got 4) at "
              "$.record.to.name")
        << "a definition of this house";
}

TEST_F(LexiconsTest, SaysWhyItCannotBeHad) {
    EXPECT_EQ(refusal("org.nobody.note"), "_lexicon.nobody.org has no TXT record with a DID)");
    EXPECT_EQ(refusal("com.example.deep.note"),
              "_lexicon.deep.example.com has no TXT record with a DID)")
        << "the authority above is not asked";
    EXPECT_EQ(refusal("com.example.absent"),
              "https://ann.net: no such host)");  // no such page, in the fake network
    network_.txt["_lexicon.two.com"] = {"did=did:web:a.net", "did=did:web:b.net"};
    EXPECT_EQ(refusal("com.two.note"), "_lexicon.two.com names more than one DID)");
    network_.txt["_lexicon.gone.com"] = {"did=did:web:gone.net"};
    EXPECT_EQ(refusal("com.gone.note"), "did:web:gone.net cannot be resolved: no such host)");
    network_.pages[ann_.url("com.example.refused")] = {400, "{}"};
    EXPECT_EQ(refusal("com.example.refused"), "https://ann.net answered with status 400)");
    ann_.publish("com.example.unpublished", Publisher::record_of("com.example.other", "{}"),
                 "com.example.other");
    EXPECT_EQ(refusal("com.example.unpublished"), "did:web:ann.net does not publish it)");
}

TEST_F(LexiconsTest, BelievesOnlyItsAuthor) {
    ann_.publish("com.example.stolen", Publisher::record_of("com.other.note", std::string(note)));
    EXPECT_EQ(refusal("com.example.stolen"), "the document is of com.other.note)");
    ann_.publish("com.example.typed",
                 Publisher::record_of("com.example.typed", std::string(note), "com.example.x"));
    EXPECT_EQ(refusal("com.example.typed"), "the record is not a com.atproto.lexicon.schema)");
    const auto own_key = ann_.key_;
    ann_.key_ = atproto::PrivateKey::generate(atproto::Curve::k256);
    ann_.publish("com.example.forged", std::string(note));
    EXPECT_EQ(refusal("com.example.forged"),
              "the commit is not signed with the key of did:web:ann.net)");
    Publisher eve(network_, "eve.net");
    eve.claim("own.our");
    eve.publish("our.own.more", std::string(note));
    EXPECT_EQ(refusal("our.own.more"), "") << "a name that this house lacks is not ours";
}

TEST_F(LexiconsTest, ANewKeyIsAskedFor) {
    must(find(note_));
    ann_.key_ = atproto::PrivateKey::generate(atproto::Curve::k256);
    ann_.show_key(ann_.key_.public_key());
    ann_.publish("com.example.next", std::string(note));
    EXPECT_EQ(refusal("com.example.next"), "");
}

TEST_F(LexiconsTest, BadDocumentsAreRefused) {
    const auto verdict = [&](const std::string& name, const std::string& definitions) {
        ann_.publish("com.example." + name, definitions);
        return refusal("com.example." + name);
    };
    std::string deep = R"({"type": "string"})";
    for (int i = 0; i < 30; ++i)
        deep = R"({"type": "array", "items": )" + deep + "}";
    EXPECT_NE(verdict("deep", R"({"main": {"type": "record", "key": "any", "record": {"type":
        "object", "properties": {"a": )" +
                                  deep + "}}}}")
                  .find("nested too deep"),
              std::string::npos);
    EXPECT_EQ(verdict("query", R"({"main": {"type": "query"}})"),
              "the main definition of com.example.query is no record)");
    EXPECT_NE(verdict("circle", R"({"main": {"type": "record", "key": "any", "record": {"type":
        "object", "properties": {"a": {"type": "ref", "ref": "#b"}}}},
        "b": {"type": "ref", "ref": "#c"}, "c": {"type": "ref", "ref": "#b"}})")
                  .find("refers to nothing"),
              std::string::npos);
    EXPECT_NE(verdict("odd", R"({"main": {"type": "record", "key": "any", "record": {"type":
        "object", "properties": {"a": {"type": "ref", "ref": "../../x?y=%00"}}}}})")
                  .find("that is no NSID"),
              std::string::npos);
    EXPECT_EQ(verdict("large", R"({"main": {"type": "token", "description": ")" +
                                   std::string(limits::lexicon_document_bytes_max, 'x') + "\"}}"),
              "the document has more than 65536 bytes)");
    std::string long_name;
    for (int i = 0; i < 1'000; ++i)
        long_name += "é";
    const std::string quoted = verdict("quoted", R"({"main": {"type": "record", "key": "any",
        "record": {"type": "object", "properties": {")" +
                                                     long_name + R"(": {"type": "odd"}}}}})");
    EXPECT_LT(quoted.size(), limits::lexicon_reason_bytes_max + 10);
    EXPECT_TRUE(quoted.ends_with("é…)")) << quoted;
    ann_.publish("com.example.noise", Bytes(100, 0xff));
    EXPECT_NE(refusal("com.example.noise"), "");
    network_.pages[ann_.url("com.example.html")] = {200, "<html>"};
    EXPECT_NE(refusal("com.example.html"), "");
}

TEST_F(LexiconsTest, IsRememberedAndLookedUpAgainInTime) {
    must(find(note_));
    asked();
    must(find_at(limits::lexicon_stale_ms - 1, note_));
    EXPECT_EQ(asked(), 0U);
    ann_.publish(note_, R"({"main": {"type": "record", "key": "any", "record":
        {"type": "object", "properties": {}}}})");
    network_.delay_ms = 10;
    const Timestamp later = start_.plus_ms(limits::lexicon_stale_ms);
    const Lexicons::Rules old = lexicons_.remembered(nsid_of(note_), later);
    ASSERT_NE(old, nullptr);
    EXPECT_NE(issue(old, note_, R"({"$type": "com.example.note"})"), "") << "nobody waits";
    loop_.run([]() -> Task<void> { co_await sleep_ms(100); }());
    EXPECT_EQ(issue(lexicons_.remembered(nsid_of(note_), later), note_,
                    R"({"$type": "com.example.note"})"),
              "");
    network_.pages.clear();
    network_.delay_ms = 0;
    EXPECT_NE(lexicons_.remembered(nsid_of(note_), start_.plus_ms(limits::lexicon_stale_ms +
                                                                  limits::lexicon_max_ms - 1)),
              nullptr)
        << "its author may be away for a day";
    EXPECT_EQ(lexicons_.remembered(nsid_of(note_), start_.plus_ms(limits::lexicon_stale_ms +
                                                                  limits::lexicon_max_ms)),
              nullptr);
}

TEST_F(LexiconsTest, AFailureIsRememberedForMinutes) {
    network_.txt.clear();
    EXPECT_NE(refusal(note_), "");
    ann_.claim("example.com");
    EXPECT_FALSE(find_at(limits::lexicon_retry_ms - 1, note_).has_value());
    EXPECT_EQ(asked(), 0U);
    EXPECT_TRUE(find_at(limits::lexicon_retry_ms, note_).has_value());
}

TEST_F(LexiconsTest, NobodyWaitsLongAndNobodyAsksTwice) {
    network_.delay_ms = 50;
    const auto early = find_at(0, note_, 10);
    ASSERT_FALSE(early.has_value());
    EXPECT_EQ(early.error().message,
              "Unknown lexicon type: com.example.note (its lexicon could not be resolved: it takes "
              "too long, so try again)");
    EXPECT_TRUE(find_at(0, note_).has_value()) << "the look-up went on";
    EXPECT_EQ(asked(), 2U) << "one look-up: the DID document and the record";
}

}  // namespace
}  // namespace roost::pds
