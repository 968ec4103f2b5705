#include "pds/audit/audit_log.h"

#include <gtest/gtest.h>

#include "pds/limits.h"
#include "pds/testing.h"

namespace roost::pds {
namespace {

class AuditLogTest : public ::testing::Test {
  protected:
    AdminAct act(std::string subject) {
        return {.actor = "admin from ::1",
                .method = "com.atproto.admin.x",
                .subject = std::move(subject),
                .time = {7}};
    }
    void append(const AdminAct& act) {
        bed_.write([&](db::Transaction& t) { audit_log::append(t, act); });
    }
    std::vector<audit_log::Entry> list(std::optional<std::string> subject = {},
                                       std::int64_t before = INT64_MAX, std::int64_t limit = 100) {
        return bed_.read(
            [&](db::Transaction& t) { return audit_log::list(t, before, subject, limit); });
    }

    testing::TestDatabase bed_;
};

TEST_F(AuditLogTest, KeepsWhoDidWhatToWhomAndHowItEnded) {
    append(act("did:web:a.test").with("one").with("two"));
    bed_.write([&](db::Transaction& t) {
        audit_log::append_refused(t, act("did:web:b.test"), "NotFound");
    });
    const auto entries = list();
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].act.subject, "did:web:b.test");
    EXPECT_EQ(entries[0].outcome, "NotFound");
    EXPECT_EQ(entries[1].act.actor, "admin from ::1");
    EXPECT_EQ(entries[1].act.method, "com.atproto.admin.x");
    EXPECT_EQ(entries[1].act.detail, "one; two");
    EXPECT_EQ(entries[1].act.time.us, 7);
    EXPECT_EQ(entries[1].outcome, "done");
}

TEST_F(AuditLogTest, IsReadInPagesAndBySubject) {
    for (int i = 0; i < 5; ++i)
        append(act(i % 2 == 0 ? "even" : "odd"));
    const auto first = list({}, INT64_MAX, 2);
    ASSERT_EQ(first.size(), 2u);
    const auto rest = list({}, first.back().id);
    ASSERT_EQ(rest.size(), 3u);
    EXPECT_LT(rest.front().id, first.back().id);
    EXPECT_EQ(list("odd").size(), 2u);
    EXPECT_EQ(list("odd", list("odd").front().id).size(), 1u);
    EXPECT_TRUE(list("nothing").empty());
}

TEST_F(AuditLogTest, KeepsTheNewest) {
    append(act("first"));
    bed_.execute("UPDATE sqlite_sequence SET seq = seq + 99999 WHERE name = 'admin_act'");
    append(act("second"));
    ASSERT_EQ(list().size(), 1u) << "the first is 100,000 entries back";
    append(act("third"));
    EXPECT_EQ(list().size(), 2u);
}

TEST_F(AuditLogTest, ShortensWhatACallerMayMakeLong) {
    append(act(std::string(511, 'x') + "\xc3\xa9").with(std::string(600, 'y')));
    EXPECT_EQ(list()[0].act.subject, std::string(511, 'x'));
    EXPECT_EQ(list()[0].act.detail.size(), limits::admin_act_detail_bytes_max);
}

}  // namespace
}  // namespace roost::pds
