#include "atproto/repo/commit.h"

#include <algorithm>

#include "atproto/data/cbor.h"
#include "atproto/mst/tree.h"

namespace roost::atproto {

namespace {

constexpr std::uint8_t cbor_map = 5;
constexpr std::int64_t repo_version = 3;
constexpr std::size_t member_count = 6;
// With a DID of the usual length.
constexpr std::size_t encoded_bytes_about = 256;

Error invalid(std::string message) {
    return Error::invalid(std::move(message), "InvalidCommit");
}

// With its signature, or as the bytes that are signed.
Bytes encode(const Commit& commit, bool with_signature) {
    Bytes out;
    out.reserve(encoded_bytes_about);
    cbor::append_head(out, cbor_map, with_signature ? member_count : member_count - 1);
    cbor::append_text(out, "did");
    cbor::append_text(out, commit.did.text());
    cbor::append_text(out, "rev");
    cbor::append_text(out, commit.rev.text());
    if (with_signature) {
        cbor::append_text(out, "sig");
        cbor::append_bytes(out, commit.signature);
    }
    cbor::append_text(out, "data");
    cbor::append_cid(out, commit.data);
    cbor::append_text(out, "prev");
    if (commit.prev)
        cbor::append_cid(out, *commit.prev);
    else
        cbor::append_null(out);
    cbor::append_text(out, "version");
    cbor::append_int(out, repo_version);
    return out;
}

template <class T>
Result<T> member(const Object& object, std::string_view name) {
    const Value* const value = object.find(name);
    const T* const found = value ? value->as<T>() : nullptr;
    if (!found) return invalid("the commit's " + std::string(name) + " is missing or wrong");
    return *found;
}

Result<Cid> link(const Object& object, std::string_view name) {
    const Cid cid = TRY(member<Cid>(object, name));
    if (cid.codec() != Codec::dag_cbor)
        return invalid("the commit's " + std::string(name) + " is not a link to a dag-cbor block");
    return cid;
}

}  // namespace

Commit sign_commit(const Did& did, const Cid& data, const Tid& rev, const PrivateKey& key) {
    Commit commit{did, data, rev, std::nullopt, {}};
    commit.signature = key.sign(encode(commit, false));
    return commit;
}

Bytes encode_commit(const Commit& commit) {
    return encode(commit, true);
}

Result<Commit> parse_commit(ByteView bytes) {
    Result<Value> value = cbor::decode(bytes);
    if (!value) return invalid("the commit is not DAG-CBOR: " + value.error().message);
    const Object* const object = value->as<Object>();
    if (!object || object->size() != member_count)
        return invalid("a commit has six members: did, rev, sig, data, prev, version");
    if (TRY(member<std::int64_t>(*object, "version")) != repo_version)
        return invalid("the commit is not of version 3");
    Result<Did> did = Did::parse(TRY(member<std::string>(*object, "did")));
    if (!did) return invalid("the commit's did is wrong: " + did.error().message);
    Result<Tid> rev = Tid::parse(TRY(member<std::string>(*object, "rev")));
    if (!rev) return invalid("the commit's rev is wrong: " + rev.error().message);
    const Cid data = TRY(link(*object, "data"));
    std::optional<Cid> prev;
    const Value* const prev_value = object->find("prev");
    if (!prev_value || !prev_value->is_null()) prev = TRY(link(*object, "prev"));
    const Bytes sig = TRY(member<Bytes>(*object, "sig"));
    Commit commit{std::move(*did), data, std::move(*rev), prev, {}};
    if (sig.size() != commit.signature.size()) return invalid("a commit's sig is 64 bytes");
    std::ranges::copy(sig, commit.signature.begin());
    return commit;
}

bool verify_commit(const Commit& commit, const PublicKey& key) {
    return key.verify(encode(commit, false), commit.signature);
}

Block signed_commit_block(const Did& did, const Cid& data, const Tid& rev, const PrivateKey& key) {
    Bytes bytes = encode_commit(sign_commit(did, data, rev, key));
    const Cid cid = Cid::of(Codec::dag_cbor, bytes);
    return {cid, std::move(bytes)};
}

NewRepo create_empty_repo(const Did& did, const PrivateKey& key, const Tid& rev) {
    const mst::Tree tree;
    Block commit = signed_commit_block(did, tree.root(), rev, key);
    NewRepo repo{commit.cid, rev, tree.root(), {std::move(commit)}};
    std::ranges::move(mst::nodes_in_memory(tree), std::back_inserter(repo.blocks));
    return repo;
}

}  // namespace roost::atproto
