#include "pds/mail/outbox_page.h"

#include <gtest/gtest.h>

namespace roost::pds::mail {
namespace {

StoredLetter letter(std::int64_t id, const std::string& subject) {
    return {id,
            LetterKind::sign_in_code,
            "ann@example.org",
            {subject, "code:\n\tABCDE-FGHIJ \"x\" \\ ü\x01", "<p class=\"a\">ABCDE-FGHIJ</p>"},
            Timestamp{1'763'812'800'000'000}};
}

TEST(OutboxPage, ShowsLettersWithoutRunningThem) {
    const std::string page =
        render_outbox_html({letter(2, "<script>alert(1)</script>"), letter(1, "Second")});
    EXPECT_EQ(page.find("<script"), std::string::npos);
    EXPECT_NE(page.find("&lt;script&gt;alert(1)&lt;/script&gt;"), std::string::npos);
    EXPECT_NE(page.find("<iframe sandbox title=\"HTML\" srcdoc=\"&lt;p class=&quot;a&quot;&gt;"
                        "ABCDE-FGHIJ&lt;/p&gt;\"></iframe>"),
              std::string::npos)
        << page;
    EXPECT_NE(page.find("to ann@example.org, 2025-11-22T12:00:00.000Z, sign_in_code"),
              std::string::npos);
    EXPECT_LT(page.find("alert"), page.find("Second"));
    EXPECT_TRUE(page.ends_with("</html>\n"));
}

TEST(OutboxPage, SaysWhenThereIsNothing) {
    EXPECT_NE(render_outbox_html({}).find("There are no letters yet."), std::string::npos);
    EXPECT_EQ(outbox_json({}), "{\"letters\":[]}");
}

TEST(OutboxPage, JsonIsEscaped) {
    EXPECT_EQ(outbox_json({letter(2, "A"), letter(1, "B")}).find("\n"), std::string::npos);
    EXPECT_EQ(outbox_json({letter(2, "A \"quoted\"")}),
              "{\"letters\":[{\"id\":2,\"kind\":\"sign_in_code\",\"to\":\"ann@example.org\","
              "\"subject\":\"A \\\"quoted\\\"\","
              "\"text\":\"code:\\u000a\\u0009ABCDE-FGHIJ \\\"x\\\" \\\\ ü\\u0001\","
              "\"html\":\"<p class=\\\"a\\\">ABCDE-FGHIJ</p>\","
              "\"createdAt\":\"2025-11-22T12:00:00.000Z\"}]}");
}

}  // namespace
}  // namespace roost::pds::mail
