#include "pds/repos/import_source.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "pds/repos/testing_imports.h"

namespace roost::pds {
namespace {

using atproto::Cid;
using ImportSourceTest = RepoImportsTest;

// A file that has of one repository what another lacks.
Bytes difference_car(const atproto::Did& did, const testing::Records& from,
                     const testing::Records& to) {
    const testing::RepoBlocks before = testing::blocks_of(from);
    const testing::RepoBlocks after = testing::blocks_of(to);
    std::set<Cid> known;
    for (const atproto::Blocks* blocks : {&before.nodes, &before.records})
        for (const atproto::Block& block : *blocks)
            known.insert(block.cid);
    atproto::Blocks missing;
    for (const atproto::Blocks* blocks : {&after.records, &after.nodes})
        std::ranges::copy_if(*blocks, std::back_inserter(missing),
                             [&](const auto& block) { return !known.contains(block.cid); });
    return testing::car_with_root(did, after.data, missing, testing::early_rev());
}

TEST_F(ImportSourceTest, AFileMayHoldOnlyWhatChanged) {
    std::mt19937 random(11);
    testing::Records records = notes(2'000);
    must(import(repo_car(ann_.did, records)));
    for (int round = 0; round < 12; ++round) {
        testing::Records next = records;
        const auto any_key = [&] {
            return "test.roost.note/" + std::to_string(1'000'000 + random() % 4'000);
        };
        // From nothing to most of it; runs of neighbours, too.
        for (int change = round == 0 ? 0 : 1 << round; change > 0; --change) {
            if (random() % 3 == 0)
                next.erase(any_key());
            else
                next[any_key()] = Object{{"$type", "test.roost.note"}, {"text", round}};
        }
        if (round % 4 == 3) next.erase(next.begin(), std::next(next.begin(), 300));
        SCOPED_TRACE(round);
        must(import(difference_car(ann_.did, records, next)));
        expect_sound(next);
        records = std::move(next);
    }
    expect_only_the_accounts_rows();
}

TEST_F(ImportSourceTest, WhatChangedMayComeOnTopOfWritesThatAreNotInTheTreeYet) {
    testing::Records records = notes(500);
    must(import(repo_car(ann_.did, records)));
    must(put("1000007", "here"));
    records["test.roost.note/1000007"] = Object{{"$type", "test.roost.note"}, {"text", "here"}};
    testing::Records next = records;
    next["test.roost.note/1000400"] = Object{{"$type", "test.roost.note"}, {"text", "there"}};
    must(import(difference_car(ann_.did, records, next)));
    expect_sound(next);
}

TEST_F(ImportSourceTest, WhatNeitherHasIsMissing) {
    const testing::Records base = notes(500), records = notes(600), next = notes(650);
    must(import(repo_car(ann_.did, base)));
    const auto refused = import(difference_car(ann_.did, records, next));
    EXPECT_EQ(name_of(refused), "InvalidRequest");
    EXPECT_NE(refused.error().message.find("a block is missing: "), std::string::npos);
    EXPECT_EQ(std::ssize(keys()), 500);
    // The same record under another key is not looked for.
    testing::Records moved = base;
    moved["test.roost.note/2"] = moved["test.roost.note/1000001"];
    EXPECT_EQ(name_of(import(difference_car(ann_.did, base, moved))), "InvalidRequest");
    expect_sound(base);
}

}  // namespace
}  // namespace roost::pds
