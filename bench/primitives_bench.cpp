// What the building blocks of a request cost: tokens, signatures, hashes, encodings, validation,
// the tree of a repository, the head of a request. One thread, no I/O.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "atproto/crypto/keys.h"
#include "atproto/data/cbor.h"
#include "atproto/data/json.h"
#include "atproto/lexicon/catalog.h"
#include "atproto/lexicon/validate.h"
#include "atproto/mst/tree.h"
#include "atproto/syntax/syntax.h"
#include "base/check.h"
#include "lexicon/embedded_documents.h"
#include "net/http_parser.h"
#include "pds/accounts/password_hash.h"
#include "pds/accounts/tokens.h"

namespace {

using namespace roost;
using benchmark::DoNotOptimize;
using benchmark::State;

// A post of about 1 KB as JSON: text, a link, a picture, the reply's two references.
constexpr std::string_view post =
    R"({"$type":"app.bsky.feed.post",)"
    R"("text":"A morning at the rookery. The young ones fall out of the branches more often than )"
    R"(they land on them, and their parents look on as if they had never been any better at it. )"
    R"(More about the trees at example.com/trees \ud83e\udd86","langs":["en"],)"
    R"("createdAt":"2026-11-22T18:50:56.123Z","facets":[{"index":{"byteStart":196,"byteEnd":213},)"
    R"("features":[{"$type":"app.bsky.richtext.facet#link","uri":"https://example.com/trees"}]}],)"
    R"("embed":{"$type":"app.bsky.embed.images","images":[{"alt":"Two rooks on a branch",)"
    R"("aspectRatio":{"width":1600,"height":1200},"image":{"$type":"blob","ref":{"$link":)"
    R"("bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"},"mimeType":"image/jpeg",)"
    R"("size":412903}}]},"reply":{"root":{"cid":)"
    R"("bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454","uri":)"
    R"("at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3k2yihcrp6f2c"},"parent":{"cid":)"
    R"("bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454","uri":)"
    R"("at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3k2yihcrp6f2c"}}})";

constexpr std::string_view cid_text = "bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454";

pds::Tokens tokens() {
    return {SecretText("a secret of the usual length, 32 bytes"),
            atproto::Did::parse("did:web:pds.example.com").value()};
}

// As every request with a token that the session cache does not know.
void jwt_hs256_verify(State& state) {
    const pds::Tokens ours = tokens();
    const std::string jwt =
        ours.access({.did = atproto::Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").value(),
                     .session_id = "4f6b0c1d2e3a49588776655443322110",
                     .scope = pds::Scope::access},
                    now());
    const Timestamp time = now();
    for (auto _ : state) {
        auto claims = ours.read_access(jwt, time);
        check(claims.has_value(), "a token of ours reads");
        DoNotOptimize(claims);
    }
}
BENCHMARK(jwt_hs256_verify);

void ecdsa_sign(State& state, atproto::Curve curve) {
    const auto key = atproto::PrivateKey::generate(curve);
    for (auto _ : state)
        DoNotOptimize(key.sign(as_bytes(post)));
}
BENCHMARK_CAPTURE(ecdsa_sign, k256, atproto::Curve::k256);
BENCHMARK_CAPTURE(ecdsa_sign, p256, atproto::Curve::p256);

void ecdsa_verify(State& state, atproto::Curve curve) {
    const auto key = atproto::PrivateKey::generate(curve);
    const auto signature = key.sign(as_bytes(post));
    for (auto _ : state)
        check(key.public_key().verify(as_bytes(post), signature), "a signature of ours is genuine");
}
BENCHMARK_CAPTURE(ecdsa_verify, k256, atproto::Curve::k256);
BENCHMARK_CAPTURE(ecdsa_verify, p256, atproto::Curve::p256);

void sha256(State& state) {
    const Bytes content(static_cast<std::size_t>(state.range(0)), 7);
    for (auto _ : state)
        DoNotOptimize(atproto::sha256(content));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(sha256)->Arg(64)->Arg(1024)->Arg(1024 * 1024);

void cbor_encode(State& state) {
    const atproto::Value value = atproto::json::parse(post).value();
    for (auto _ : state)
        DoNotOptimize(atproto::cbor::encode(value));
}
BENCHMARK(cbor_encode);

void cbor_decode(State& state) {
    const Bytes bytes = atproto::cbor::encode(atproto::json::parse(post).value());
    for (auto _ : state)
        DoNotOptimize(atproto::cbor::decode(bytes));
    state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(cbor_decode);

void json_parse(State& state) {
    for (auto _ : state)
        DoNotOptimize(atproto::json::parse(post));
    state.counters["bytes"] = static_cast<double>(post.size());
}
BENCHMARK(json_parse);

void json_write(State& state) {
    const atproto::Value value = atproto::json::parse(post).value();
    for (auto _ : state)
        DoNotOptimize(atproto::json::write(value));
}
BENCHMARK(json_write);

void cid_parse(State& state) {
    for (auto _ : state)
        DoNotOptimize(atproto::Cid::parse(cid_text));
}
BENCHMARK(cid_parse);

void cid_format(State& state) {
    const atproto::Cid cid = atproto::Cid::parse(cid_text).value();
    for (auto _ : state)
        DoNotOptimize(cid.text());
}
BENCHMARK(cid_format);

// The input is validated where it stands, so that no copy of it is measured.
void validate_create_account(State& state) {
    const auto catalog = lexicon::Catalog::of(lexicon::embedded_documents()).value();
    const lexicon::Method* method = catalog.method("com.atproto.server.createAccount");
    check(method != nullptr, "createAccount is a method");
    atproto::Value input = atproto::json::parse(R"({"handle":"rook.pds.example.com",)"
                                                R"("email":"rook@example.com",)"
                                                R"("password":"correct horse battery",)"
                                                R"("inviteCode":"pds-example-com-abcde-fghij"})")
                               .value();
    for (auto _ : state)
        check(lexicon::validate_input(*method, input).has_value(), "the input is fine");
}
BENCHMARK(validate_create_account);

void mst_build(State& state) {
    std::vector<atproto::mst::KeyValue> pairs;
    for (int i = 0; i < state.range(0); ++i) {
        const std::string number = std::to_string(10'000 + i);
        pairs.push_back({"app.bsky.feed.post/3k2yihcr" + number,
                         atproto::Cid::of(atproto::Codec::dag_cbor, as_bytes(number))});
    }
    for (auto _ : state)
        DoNotOptimize(atproto::mst::build_tree(pairs).value());
}
BENCHMARK(mst_build)->Arg(1'000)->Unit(benchmark::kMicrosecond);

void password_hash(State& state) {
    const SecretText password("correct horse battery staple");
    for (auto _ : state)
        DoNotOptimize(pds::hash_password(password));
}
BENCHMARK(password_hash)->Unit(benchmark::kMillisecond);

void http_head_parse(State& state) {
    const std::string head =
        "GET /xrpc/com.atproto.server.getSession HTTP/1.1\r\nHost: pds.example.com\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
        "Accept: application/json\r\nAccept-Language: en\r\nOrigin: https://app.example.com\r\n"
        "Authorization: Bearer " +
        std::string(400, 'x') + "\r\n\r\n";
    const net::ServerLimits limits;
    net::HeadParser parser(limits);
    for (auto _ : state) {
        parser.reset();
        check(parser.parse(head) == net::HeadParser::State::complete, "the head is whole");
    }
}
BENCHMARK(http_head_parse);

}  // namespace

BENCHMARK_MAIN();
