#include "pds/accounts/preferences.h"

#include <gtest/gtest.h>

#include "atproto/data/json.h"
#include "pds/accounts/account_store.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

using atproto::Array;
using preferences::Access;
using testing::must;

constexpr std::string_view bsky = "app.bsky";

Array parse(std::string_view json) {
    return *must(atproto::json::parse(json)).as<Array>();
}
std::string text(const Array& array) {
    return atproto::json::write(array);
}

class PreferencesTest : public ::testing::Test, public testing::TestDatabase {
  public:
    Result<void> put(std::string_view json, Access access = Access::full) {
        return write([&](db::Transaction& t) {
            return preferences::replace(t, ann.id, parse(json), bsky, access);
        });
    }
    std::string get(Access access = Access::full, std::string_view name_space = bsky) {
        return write([&](db::Transaction& t) {
            return text(preferences::list(t, ann.id, name_space, access, *parse_time()));
        });
    }
    static Result<Timestamp> parse_time() {
        return atproto::parse_datetime("2026-11-23T10:00:00.000Z");
    }
    Account ann = add_account("ann.test");
};

constexpr std::string_view details =
    R"({"$type":"app.bsky.actor.defs#personalDetailsPref","birthDate":"2010-11-23T00:00:00.000Z"})";
constexpr std::string_view sort =
    R"({"$type":"app.bsky.actor.defs#threadViewPref","sort":"oldest"})";
constexpr std::string_view age =
    R"({"$type":"app.bsky.actor.defs#declaredAgePref","isOverAge13":true,"isOverAge16":true,)"
    R"("isOverAge18":false})";

std::string listed(std::initializer_list<std::string_view> preferences) {
    std::string all = "[";
    for (const std::string_view one : preferences)
        all.append(all.size() > 1 ? "," : "").append(one);
    return all + "]";
}

TEST_F(PreferencesTest, AreReplacedTogetherAndKeepTheirOrder) {
    EXPECT_EQ(get(), "[]");
    must(put(listed({sort, R"({"$type":"app.bsky.actor.defs#adultContentPref","enabled":true})"})));
    EXPECT_EQ(get(), listed({sort, R"({"$type":"app.bsky.actor.defs#adultContentPref",)"
                                   R"("enabled":true})"}));
    must(put(listed({sort})));
    EXPECT_EQ(get(), listed({sort}));
    must(put("[]"));
    EXPECT_EQ(get(), "[]");
}

TEST_F(PreferencesTest, AnotherNamespaceIsLeftAlone) {
    must(write([&](db::Transaction& t) {
        return preferences::replace(t, ann.id, parse(R"([{"$type":"app.bskyother.defs#x"}])"),
                                    "app.bskyother", Access::full);
    }));
    must(put(listed({sort})));
    EXPECT_EQ(get(), listed({sort}));
    EXPECT_EQ(get(Access::full, "app.bskyother"), R"([{"$type":"app.bskyother.defs#x"}])");
    const Result<void> refused = put(R"([{"$type":"app.bskyother.defs#x"}])");
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().message, "Some preferences are not in the app.bsky namespace");
    EXPECT_FALSE(put(R"([{"sort":"oldest"}])").has_value());
    EXPECT_EQ(get(), listed({sort})) << "a refusal changes nothing";
}

TEST_F(PreferencesTest, TheBirthDateIsForFullAccess) {
    must(put(listed({details, sort})));
    EXPECT_EQ(get(), listed({details, sort, age}));
    EXPECT_EQ(get(Access::limited), listed({sort, age}));
    EXPECT_FALSE(put(listed({details}), Access::limited).has_value());
    must(put("[]", Access::limited));
    EXPECT_EQ(get(), listed({details, age})) << "what it does not see it does not remove";
}

TEST_F(PreferencesTest, AgesAreOursToTell) {
    must(put(listed({age})));
    EXPECT_EQ(get(), "[]");
    // A day short of sixteen.
    must(put(R"([{"$type":"app.bsky.actor.defs#personalDetailsPref",)"
             R"("birthDate":"2010-11-24T00:00:00.000Z"}])"));
    EXPECT_NE(get().find(R"("isOverAge13":true,"isOverAge16":false)"), std::string::npos);
}

TEST_F(PreferencesTest, EndWithTheirAccount) {
    must(put(listed({sort})));
    write([&](db::Transaction& t) {
        account_store::erase(t, ann.id);
        return 0;
    });
    EXPECT_EQ(get(), "[]");
}

}  // namespace
}  // namespace roost::pds
