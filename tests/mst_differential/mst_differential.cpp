// A repository on a string: reads one request a line from standard input, and writes one answer a
// line. Driven by tests/30-tree.test.mjs, which compares it with another implementation.
//
//     {"begin": true}                                  a new, empty repository
//     {"writes": [{action, path, record?}], "age": …}  a commit; the tree before is "warm", "cold",
//                                                      or "forgetful"
//     {"export": true}                                 the whole repository as a CAR file
//     {"verify": {repo, rev, commit, prevData, ops, blocks, key}}
#include <iostream>
#include <map>
#include <string>

#include "atproto/data/cbor.h"
#include "atproto/data/json.h"
#include "atproto/mst/cursor.h"
#include "atproto/mst/edit.h"
#include "atproto/repo/car.h"
#include "atproto/repo/commit_event.h"
#include "base/check.h"

namespace {

using namespace roost;
using namespace roost::atproto;

template <class T>
const T& member(const Object& object, std::string_view name) {
    const Value* const value = object.find(name);
    const T* const found = value ? value->as<T>() : nullptr;
    check(found != nullptr, "a request has its members");
    return *found;
}

Value link(const std::optional<Cid>& cid) {
    return cid ? Value(cid->text()) : Value();
}

std::optional<Cid> parse_link(const Object& object, std::string_view name) {
    const Value* const value = object.find(name);
    if (!value || value->is_null()) return std::nullopt;
    return Cid::parse(member<std::string>(object, name)).value();
}

// Finds nodes by their place, as the server's store does.
class Nodes : public mst::NodeSource {
  public:
    Result<mst::StoredNode> load(const mst::NodePlace& place) override {
        const auto found = nodes_.find({place.layer, std::string(place.left)});
        check(found != nodes_.end(), "a node is at its place");
        return mst::StoredNode{found->second.bytes, found->second.stamp};
    }
    void apply(const mst::Edit& edit, const mst::Tree& after, std::optional<std::uint64_t> since) {
        for (const mst::Edit::Place& place : edit.left_places())
            nodes_.erase({place.layer, place.left});
        for (mst::NewNode& node : after.new_nodes(since))
            nodes_.insert_or_assign({node.place.layer, std::string(node.place.left)},
                                    Node{std::move(node.bytes), node.stamp});
    }

  private:
    struct Node {
        Bytes bytes;
        std::uint64_t stamp;
    };
    std::map<std::pair<int, std::string>, Node> nodes_;
};

class Repository {
  public:
    Repository() { nodes_.apply(mst::Edit(tree_, 0, mst::Moves::tracked), tree_, std::nullopt); }

    Object commit(const Array& writes, std::string_view age) {
        if (age == "cold") tree_ = mst::Tree(tree_.root(), tree_.layer());
        if (age == "forgetful") tree_ = tree_.forget(stamp_, tree_.loaded_bytes() / 2);
        const std::uint64_t since = stamp_++;
        const Cid prev_data = tree_.root();
        mst::Edit edit(tree_, stamp_, mst::Moves::tracked);
        std::vector<Operation> operations;
        Blocks records;
        for (const Value& write : writes)
            operations.push_back(apply(edit, *write.as<Object>(), records));
        tree_ = edit.seal(nodes_).value();
        nodes_.apply(edit, tree_, since);
        sign();
        const Blocks blocks =
            commit_event_blocks(commit_, tree_, since, nodes_, operations, records).value();
        const Bytes car = write_car(commit_.cid, blocks);
        const CommitEvent event{did_, rev_, commit_.cid, prev_data, operations, car};
        const Result<Commit> verified = verify_commit_event(event, &key_.public_key());
        check(verified.has_value(), "our own event is true");
        return {{"root", tree_.root().text()}, {"prevData", prev_data.text()},
                {"car", base64_text(car)},     {"ops", write_operations(operations)},
                {"did", did_.text()},          {"key", key_.public_key().did_key()}};
    }

    Object export_all() {
        Bytes car;
        append_car_header(car, commit_.cid);
        append_car_block(car, commit_.cid, commit_.bytes);
        mst::PreorderWalk walk(mst::Tree(tree_.root(), tree_.layer()));
        while (const auto item = walk.next(nodes_).value())
            append_car_block(car, item->cid,
                             item->is_node() ? item->bytes : ByteView(records_.at(item->cid)));
        return {{"car", base64_text(car)}};
    }

  private:
    static Value base64_text(ByteView bytes) { return Bytes(bytes.begin(), bytes.end()); }

    static Array write_operations(const std::vector<Operation>& operations) {
        Array array;
        for (const Operation& operation : operations)
            array.push_back(Object{{"action", action_name(operation.action)},
                                   {"path", operation.path},
                                   {"cid", link(operation.cid)},
                                   {"prev", link(operation.prev)}});
        return array;
    }

    Operation apply(mst::Edit& edit, const Object& write, Blocks& records) {
        const Action action = *parse_action(member<std::string>(write, "action"));
        const std::string& path = member<std::string>(write, "path");
        if (action == Action::remove)
            return {action, path, std::nullopt, edit.erase(nodes_, path).value()};
        Bytes bytes = cbor::encode(*write.find("record"));
        const Cid cid = Cid::of(Codec::dag_cbor, bytes);
        records_.emplace(cid, bytes);
        records.push_back({cid, std::move(bytes)});
        return {action, path, cid, edit.set(nodes_, path, cid).value()};
    }

    void sign() {
        rev_ = Tid::from({static_cast<std::int64_t>(stamp_)}, 1);
        Bytes bytes = encode_commit(sign_commit(did_, tree_.root(), rev_, key_));
        const Cid cid = Cid::of(Codec::dag_cbor, bytes);
        commit_ = {cid, std::move(bytes)};
    }

    Did did_ = *Did::parse("did:plc:csqcj33mgndnjg5fer2cmkff");
    PrivateKey key_ = *PrivateKey::from_raw(Curve::k256, SecretBytes(Bytes(32, 0x11)));
    std::uint64_t stamp_ = 1;
    mst::Tree tree_;
    Nodes nodes_;
    std::map<Cid, Bytes> records_;
    Tid rev_ = Tid::from({1}, 1);
    Block commit_{tree_.root(), {}};
};

Object verify(const Object& request) {
    const Bytes& blocks = member<Bytes>(request, "blocks");
    CommitEvent event{*Did::parse(member<std::string>(request, "repo")),
                      *Tid::parse(member<std::string>(request, "rev")),
                      *parse_link(request, "commit"),
                      parse_link(request, "prevData"),
                      {},
                      blocks};
    for (const Value& value : member<Array>(request, "ops")) {
        const Object& operation = *value.as<Object>();
        event.operations.push_back({*parse_action(member<std::string>(operation, "action")),
                                    member<std::string>(operation, "path"),
                                    parse_link(operation, "cid"), parse_link(operation, "prev")});
    }
    const PublicKey key = PublicKey::parse_did_key(member<std::string>(request, "key")).value();
    const Result<Commit> commit = verify_commit_event(event, &key);
    return {{"error", commit ? Value() : Value(commit.error().message)}};
}

}  // namespace

int main() {
    std::optional<Repository> repository;
    std::string line;
    while (std::getline(std::cin, line)) {
        const Value value = json::parse(line).value();
        const Object& request = *value.as<Object>();
        Object answer;
        if (request.find("begin")) repository.emplace();
        if (request.find("writes"))
            answer = repository->commit(member<Array>(request, "writes"),
                                        member<std::string>(request, "age"));
        if (request.find("export")) answer = repository->export_all();
        if (request.find("verify")) answer = verify(member<Object>(request, "verify"));
        std::cout << json::write(Value(std::move(answer))) << std::endl;
    }
}
