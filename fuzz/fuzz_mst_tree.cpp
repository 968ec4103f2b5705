// A foreign tree, made of whatever nodes the input describes, goes through a CAR file, is validated
// and then changed at random. If it is valid, the changed tree is the one tree of its records.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "atproto/mst/cursor.h"
#include "atproto/mst/edit.h"
#include "atproto/mst/node.h"
#include "atproto/repo/car.h"
#include "base/check.h"

namespace {

using namespace roost;
using namespace roost::atproto;

constexpr std::size_t layers = 4;
constexpr std::size_t keys_per_layer = 64;

// Of layer i / keys_per_layer, in order within a layer.
const std::vector<std::string>& keys() {
    static const std::vector<std::string> all = [] {
        std::vector<std::vector<std::string>> of_layer(layers);
        for (int i = 0; std::ranges::any_of(
                 of_layer, [](const auto& some) { return some.size() < keys_per_layer; });
             ++i) {
            char key[32];
            std::snprintf(key, sizeof key, "a.b.c/%06d", i);
            const auto layer = static_cast<std::size_t>(mst::key_layer(key));
            if (layer < layers && of_layer[layer].size() < keys_per_layer)
                of_layer[layer].emplace_back(key);
        }
        std::vector<std::string> joined;
        for (const auto& some : of_layer)
            joined.insert(joined.end(), some.begin(), some.end());
        return joined;
    }();
    return all;
}

class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
    bool is_empty() const { return rest_.empty(); }
    std::uint8_t byte() {
        if (rest_.empty()) return 0;
        const std::uint8_t first = rest_.front();
        rest_ = rest_.subspan(1);
        return first;
    }

  private:
    ByteView rest_;
};

Cid value_number(std::uint8_t number) {
    Cid::Digest digest{};
    digest[0] = number;
    return Cid::from_digest(Codec::dag_cbor, digest);
}

// A link to one of the nodes so far, or to none.
std::optional<Cid> link(Input& input, const Blocks& nodes) {
    const std::size_t number = input.byte();
    if (number == 0 || number > nodes.size()) return std::nullopt;
    return nodes[number - 1].cid;
}

// The last node is the root.
Blocks make_nodes(Input& input) {
    Blocks nodes;
    for (int count = input.byte() % 32; count >= 0; --count) {
        mst::Node node;
        node.left = link(input, nodes);
        for (int entries = input.byte() % 16; entries > 0; --entries) {
            const std::string& key = keys()[input.byte()];
            const std::optional<Cid> right = link(input, nodes);
            node.entries.push_back({key, value_number(0), right});
        }
        Bytes bytes = mst::encode_node(node);
        const Cid cid = Cid::of(Codec::dag_cbor, bytes);
        nodes.push_back({cid, std::move(bytes)});
    }
    return nodes;
}

Blocks through_car(const Blocks& blocks) {
    const Bytes car = write_car(blocks.back().cid, blocks);
    CarReader reader({.bytes_max = 1 << 20, .blocks_max = 64});
    check(reader.feed(car).has_value(), "the file is within the bounds");
    Blocks read;
    for (auto block = reader.next(); block && *block; block = reader.next())
        read.push_back(**std::move(block));
    check(reader.finish() && read == blocks, "what is written is read again");
    return read;
}

using Model = std::map<std::string, Cid>;

Model records_of(const mst::Tree& tree, mst::NodeSource& source) {
    Model model;
    mst::RecordWalk walk(tree);
    for (auto item = walk.next(source); item && *item; item = walk.next(source))
        model.emplace((*item)->key, (*item)->value);
    return model;
}

Cid root_of(const Model& model) {
    std::vector<mst::KeyValue> pairs;
    for (const auto& [key, value] : model)
        pairs.push_back({key, value});
    return mst::build_tree(pairs).value().root();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const Blocks blocks = through_car(make_nodes(input));
    mst::BlockSource source(blocks);
    const mst::Tree tree(blocks.back().cid);
    const Result<mst::Census> census = mst::validate(tree, source, 64);
    Model model;
    if (census) {
        model = records_of(tree, source);
        check(model.size() == census->records, "the walks agree");
        check(root_of(model) == tree.root(), "a valid tree is the one tree of its records");
    }
    mst::Edit edit(tree, 1, input.byte() % 2 ? mst::Moves::tracked : mst::Moves::ignored);
    while (!input.is_empty()) {
        const std::uint8_t kind = input.byte();
        const std::string& key = keys()[input.byte()];
        const auto before =
            kind % 2 ? edit.set(source, key, value_number(kind)) : edit.erase(source, key);
        check(before || !census, "a valid tree can be changed");
        if (!before) return 0;
        if (kind % 2)
            model.insert_or_assign(key, value_number(kind));
        else
            model.erase(key);
    }
    const Result<mst::Tree> after = edit.seal(source);
    check(after || !census, "a valid tree can be changed");
    if (census)
        check(after->root() == root_of(model), "the changed tree is the one of its records");
    return 0;
}
