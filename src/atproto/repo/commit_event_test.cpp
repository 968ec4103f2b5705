#include "atproto/repo/commit_event.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "atproto/limits.h"
#include "atproto/mst/cursor.h"
#include "atproto/mst/edit.h"
#include "atproto/mst/testing.h"
#include "atproto/repo/car.h"

namespace roost::atproto {
namespace {

using mst::testing::below;
using mst::testing::mined_keys;
using mst::testing::mixed_keys;
using mst::testing::PlaceStore;
using mst::testing::Random;

const Did did = *Did::parse("did:plc:csqcj33mgndnjg5fer2cmkff");
const PrivateKey key = *PrivateKey::from_raw(Curve::k256, SecretBytes(Bytes(32, 0x11)));

Block record_number(std::size_t number) {
    Bytes bytes = to_bytes("record " + std::to_string(number));
    const Cid cid = Cid::of(Codec::dag_cbor, bytes);
    return {cid, std::move(bytes)};
}

// A commit and its event; the event's blocks point into the file.
struct Made {
    Made(CommitEvent its_event, Bytes its_car)
        : event(std::move(its_event)), car(std::move(its_car)) {
        event.blocks = car;
    }
    Made(Made&& other) noexcept : event(std::move(other.event)), car(std::move(other.car)) {
        event.blocks = car;
    }
    CommitEvent event;
    Bytes car;
};

// A repository that commits random batches, and keeps its nodes by place.
class Repo {
  public:
    Repo(std::uint64_t seed, std::vector<std::string> keys)
        : random_(seed), keys_(std::move(keys)) {
        store_.apply(mst::Edit(tree_, 0, mst::Moves::tracked), tree_, std::nullopt);
    }

    Made commit(std::size_t count, std::size_t remove_percent) {
        const std::uint64_t since = stamp_++;
        if (below(random_, 2) == 0) tree_ = mst::Tree(tree_.root(), tree_.layer());
        const Cid prev_data = tree_.root();
        mst::Edit edit(tree_, stamp_, mst::Moves::tracked);
        std::vector<Operation> operations;
        Blocks records;
        std::set<std::string> paths;
        while (operations.size() < count) {
            const std::string& path = keys_[below(random_, keys_.size())];
            if (!paths.insert(path).second) break;
            change(edit, path, below(random_, 100) < remove_percent, operations, records);
        }
        tree_ = *edit.seal(store_);
        store_.apply(edit, tree_, since);

        const Tid rev = Tid::from({static_cast<std::int64_t>(stamp_)}, 1);
        Bytes bytes = encode_commit(sign_commit(did, tree_.root(), rev, key));
        const Cid cid = Cid::of(Codec::dag_cbor, bytes);
        const Result<Blocks> blocks =
            commit_event_blocks({cid, std::move(bytes)}, tree_, since, store_, operations, records);
        EXPECT_TRUE(blocks);
        return Made({did, rev, cid, prev_data, std::move(operations), {}}, write_car(cid, *blocks));
    }
    const mst::Tree& tree() const { return tree_; }
    Random& random() { return random_; }

  private:
    void change(mst::Edit& edit, const std::string& path, bool removes,
                std::vector<Operation>& operations, Blocks& records) {
        if (removes) {
            if (const std::optional<Cid> prev = *edit.erase(store_, path))
                operations.push_back({Action::remove, path, std::nullopt, prev});
            return;
        }
        records.push_back(record_number(below(random_, 5000)));
        const Cid cid = records.back().cid;
        const std::optional<Cid> prev = *edit.set(store_, path, cid);
        operations.push_back({prev ? Action::update : Action::create, path, cid, prev});
    }

    Random random_;
    std::vector<std::string> keys_;
    std::uint64_t stamp_ = 1;
    mst::Tree tree_;
    PlaceStore store_;
};

Blocks blocks_of(ByteView car) {
    CarReader reader({.bytes_max = 1 << 24, .blocks_max = 100'000});
    EXPECT_TRUE(reader.feed(car));
    Blocks blocks;
    while (auto block = *reader.next())
        blocks.push_back(*std::move(block));
    EXPECT_TRUE(reader.finish());
    return blocks;
}

void expect_true(Repo& repo, const Made& made) {
    const Result<Commit> commit = verify_commit_event(made.event, &key.public_key());
    ASSERT_TRUE(commit) << commit.error().name << ": " << commit.error().message;
    EXPECT_EQ(commit->data, repo.tree().root());
    const Blocks blocks = blocks_of(made.car);
    EXPECT_EQ(blocks[0].cid, made.event.commit);
    std::set<Cid> cids;
    for (const Block& block : blocks)
        EXPECT_TRUE(cids.insert(block.cid).second);
    // Whoever undoes the operations in another order gets the same.
    mst::BlockSource source(blocks);
    std::vector<Operation> shuffled = made.event.operations;
    for (int i = 0; i < 3; ++i) {
        std::ranges::shuffle(shuffled, repo.random());
        const Result<Cid> before = invert(mst::Tree(commit->data), source, shuffled);
        ASSERT_TRUE(before) << before.error().message;
        EXPECT_EQ(*before, made.event.prev_data);
    }
}

TEST(CommitEvent, IsTrueForSmallBatches) {
    Repo repo(11, mixed_keys(100, 15));
    for (int i = 0; i < 400; ++i)
        expect_true(repo, repo.commit(1 + below(repo.random(), 3), i / 100 % 2 ? 60 : 25));
}

TEST(CommitEvent, IsTrueForLargeBatches) {
    Repo repo(12, mixed_keys(1500, 40));
    for (int i = 0; i < 30; ++i)
        expect_true(repo, repo.commit(1 + below(repo.random(), 200), i % 5 == 4 ? 90 : 35));
}

TEST(CommitEvent, IsTrueForHighLayers) {
    Repo repo(13, mined_keys(5, 20));
    for (int i = 0; i < 300; ++i)
        expect_true(repo, repo.commit(1 + below(repo.random(), 2), 50));
}

// Takes a true event, changes it, and expects that error.
template <class Change>
void expect_error(std::string_view name, Change change) {
    Repo repo(14, mixed_keys(200, 10));
    repo.commit(100, 0);
    Made made = repo.commit(3, 0);
    ASSERT_TRUE(verify_commit_event(made.event, &key.public_key()));
    change(made);
    const Result<Commit> commit = verify_commit_event(made.event, &key.public_key());
    ASSERT_FALSE(commit) << name;
    EXPECT_EQ(commit.error().name, name) << commit.error().message;
}

TEST(CommitEvent, RefusesWhatIsNotTrue) {
    const Cid other = record_number(9999).cid;
    expect_error("InvalidCommitEvent", [&](Made& made) { made.event.prev_data = other; });
    expect_error("InvalidCommitEvent", [&](Made& made) { made.event.prev_data.reset(); });
    expect_error("InvalidCommitEvent", [&](Made& made) { made.event.commit = other; });
    expect_error("InvalidCommitEvent",
                 [&](Made& made) { made.event.rev = *Tid::parse("3jqfcqzm3fo2j"); });
    expect_error("InvalidCommitEvent", [&](Made& made) {
        made.event.repo = *Did::parse("did:plc:csqcj33mgndnjg5fer2cmkfg");
    });
    expect_error("InvalidCommitEvent", [&](Made& made) {
        made.event.operations.resize(limits::commit_operations_max + 1,
                                     made.event.operations.front());
    });
    expect_error("InvalidCommitEvent", [&](Made& made) { made.event.operations.pop_back(); });
    expect_error("InvalidOperation",
                 [&](Made& made) { made.event.operations[0].action = Action::remove; });
    expect_error("InvalidOperation", [&](Made& made) {
        Operation& operation = made.event.operations[0];
        operation = {Action::remove, operation.path, std::nullopt, other};
    });
    expect_error("InvalidOperation", [&](Made& made) {
        made.event.operations.push_back(
            {Action::create, "app.test.rec/none", made.event.operations[0].cid, {}});
    });
    expect_error("InvalidCar",
                 [&](Made& made) { made.event.blocks = ByteView(made.car).first(90); });
}

TEST(CommitEvent, NeedsEveryRecordAndTheSignature) {
    const auto without = [](Made& made, const Cid& left_out) {
        Blocks blocks = blocks_of(made.car);
        std::erase_if(blocks, [&](const Block& block) { return block.cid == left_out; });
        made.car = write_car(made.event.commit, blocks);
        made.event.blocks = made.car;
    };
    expect_error("InvalidCommitEvent",
                 [&](Made& made) { without(made, *made.event.operations[1].cid); });
    expect_error("InvalidCommitEvent", [&](Made& made) { without(made, made.event.commit); });
    expect_error("MissingBlock", [&](Made& made) { without(made, blocks_of(made.car)[1].cid); });
    Repo repo(15, mixed_keys(50, 2));
    const Made made = repo.commit(3, 0);
    const PublicKey stranger = PrivateKey::generate(Curve::k256).public_key();
    EXPECT_TRUE(verify_commit_event(made.event, nullptr));
    EXPECT_EQ(verify_commit_event(made.event, &stranger).error().name, "InvalidCommitEvent");
}

TEST(CommitEvent, TheFirstNeedsNoPrevData) {
    Repo repo(16, mixed_keys(50, 2));
    Made made = repo.commit(3, 0);
    EXPECT_EQ(made.event.prev_data, mst::Tree().root());
    made.event.prev_data.reset();
    EXPECT_TRUE(verify_commit_event(made.event, &key.public_key()));
}

TEST(CommitEvent, ABatchMayTouchAPathTwice) {
    mst::NoSource none;
    const Cid one = record_number(1).cid;
    const Cid two = record_number(2).cid;
    mst::Edit edit(mst::Tree(), 1, mst::Moves::tracked);
    ASSERT_TRUE(edit.set(none, "a.b.c/d", two));
    const mst::Tree after = *edit.seal(none);
    const std::vector<Operation> operations = {{Action::create, "a.b.c/d", one, std::nullopt},
                                               {Action::update, "a.b.c/d", two, one}};
    EXPECT_EQ(*invert(after, none, operations), mst::Tree().root());
}

TEST(Operation, HasTheNamesOfTheEvent) {
    for (const Action action : {Action::create, Action::update, Action::remove})
        EXPECT_EQ(parse_action(action_name(action)), action);
    EXPECT_EQ(action_name(Action::create), "create");
    EXPECT_EQ(action_name(Action::update), "update");
    EXPECT_EQ(action_name(Action::remove), "delete");
    EXPECT_EQ(parse_action("remove"), std::nullopt);
}

}  // namespace
}  // namespace roost::atproto
