#include "pds/mail/templates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "pds/mail/embedded_templates.h"

namespace roost::pds::mail {
namespace {

namespace fs = std::filesystem;

const Branding nest{"Nest & Co", "https://nest.example", ""};
constexpr Timestamp noon{1'763'812'800'000'000};  // 2025-11-22T12:00:00Z

Letter letter_of(LetterKind kind) {
    return {kind, "ann@example.com", "ann.nest.example", SecretText("ABCDE-FGHIJ")};
}

class TemplateFolder : public testing::Test {
  protected:
    TemplateFolder() {
        folder_ = fs::path(testing::TempDir()) /
                  (std::string("roost_templates_") +
                   testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::remove_all(folder_);
        fs::create_directories(folder_);
    }
    ~TemplateFolder() override { fs::remove_all(folder_); }

    void put(const std::string& name, std::string_view text) const {
        std::ofstream(folder_ / name, std::ios::binary) << text;
    }
    Result<Templates> load() const { return Templates::load(folder_.string()); }
    std::string refusal() const {
        const Result<Templates> loaded = load();
        return loaded.has_value() ? "loaded" : loaded.error().message;
    }

    fs::path folder_;
};

TEST(Templates, EveryLetterSaysWhatItMust) {
    const Result<Templates> templates = Templates::load("");
    ASSERT_TRUE(templates.has_value()) << templates.error().message;
    for (const LetterKind kind : templated_letter_kinds) {
        SCOPED_TRACE(name_of(kind));
        const RenderedLetter letter = templates->render(letter_of(kind), nest, noon);
        EXPECT_FALSE(letter.subject.empty());
        EXPECT_EQ(letter.subject.find('\n'), std::string::npos);
        EXPECT_EQ(letter.text.find("Subject"), std::string::npos);
        for (const std::string_view fact : {"ABCDE-FGHIJ", "Nest & Co", "@ann.nest.example",
                                            "15 minutes", "12:15 UTC", "https://nest.example"})
            EXPECT_NE(letter.text.find(fact), std::string::npos) << fact << "\n" << letter.text;
        for (const std::string_view fact :
             {"ABCDE-FGHIJ", "Nest &amp; Co", "@ann.nest.example", "15 minutes", "12:15 UTC"})
            EXPECT_NE(letter.html.find(fact), std::string::npos) << fact << "\n" << letter.html;
        for (const std::string* body : {&letter.text, &letter.html}) {
            EXPECT_EQ(body->find("{{"), std::string::npos) << *body;
            // What to do if somebody else asked.
            EXPECT_NE(body->find("If "), std::string::npos) << *body;
        }
        EXPECT_TRUE(letter.html.starts_with("<!doctype html>"));
        EXPECT_FALSE(letter.text.ends_with("\n\n"));
        EXPECT_TRUE(letter.html.ends_with("</html>\n"));
    }
}

TEST(Templates, LettersDiffer) {
    const Result<Templates> templates = Templates::load("");
    ASSERT_TRUE(templates.has_value());
    std::vector<std::string> subjects;
    for (const LetterKind kind : templated_letter_kinds)
        subjects.push_back(templates->render(letter_of(kind), nest, noon).subject);
    std::ranges::sort(subjects);
    EXPECT_EQ(std::ranges::adjacent_find(subjects), subjects.end());
}

TEST(Templates, ValuesAreEscapedInHtmlAndNeverRead) {
    const Result<Templates> templates = Templates::load("");
    ASSERT_TRUE(templates.has_value());
    Letter letter = letter_of(LetterKind::reset_password);
    letter.handle = "<script>alert('\"&')</script>{{token}}{{> top.html}}";
    const Branding evil{"<img src=x>{{#token}}", "\"><script>", ""};
    const RenderedLetter rendered = templates->render(letter, evil, noon);
    EXPECT_EQ(rendered.html.find("<script"), std::string::npos);
    EXPECT_EQ(rendered.html.find("<img"), std::string::npos);
    EXPECT_EQ(rendered.html.find("\"\""), std::string::npos);
    EXPECT_NE(rendered.html.find("&lt;script&gt;"), std::string::npos);
    EXPECT_NE(rendered.html.find("{{token}}{{&gt; top.html}}"), std::string::npos);
    EXPECT_NE(rendered.text.find("<script>alert('\"&')</script>{{token}}"), std::string::npos);
}

TEST(Templates, AHandleWithALineBreakStaysOutOfTheSubject) {
    const Result<Templates> templates = Templates::load("");
    ASSERT_TRUE(templates.has_value());
    Letter letter = letter_of(LetterKind::reset_password);
    letter.handle = "ann\nBcc: eve@evil.example\n";
    EXPECT_EQ(templates->render(letter, nest, noon).subject, "A new password for @ann");
}

TEST(Templates, OnlyAConfirmationHasALink) {
    const Result<Templates> templates = Templates::load("");
    ASSERT_TRUE(templates.has_value());
    Branding with_link = nest;
    with_link.confirm_link = "https://app.example/verify?code=";
    Letter letter = letter_of(LetterKind::confirm_email);
    letter.token = SecretText("A&B =");
    const RenderedLetter linked = templates->render(letter, with_link, noon);
    EXPECT_NE(linked.text.find("https://app.example/verify?code=A%26B%20%3D\n"), std::string::npos);
    EXPECT_NE(linked.html.find("verify?code=A%26B%20%3D\""), std::string::npos);
    EXPECT_EQ(templates->render(letter, nest, noon).text.find("link"), std::string::npos);
    EXPECT_EQ(templates->render(letter_of(LetterKind::delete_account), with_link, noon)
                  .text.find("app.example"),
              std::string::npos);
}

TEST(Templates, TheBuildEmbedsTheFilesAsTheyAre) {
    std::size_t count = 0;
    for (const auto& file :
         fs::directory_iterator(fs::path(ROOST_SOURCE_DIR) / "src/pds/mail/templates")) {
        ++count;
        std::ifstream stream(file.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(stream), {}};
        const std::string name = file.path().stem().string();
        const auto found = std::ranges::find(embedded_templates(), name, &EmbeddedTemplate::name);
        ASSERT_NE(found, embedded_templates().end()) << name;
        EXPECT_EQ(found->text, text) << name;
    }
    EXPECT_EQ(count, embedded_templates().size());
    EXPECT_EQ(count, 2 * templated_letter_kinds.size() + 3);
}

TEST_F(TemplateFolder, ReplacesWhatIsThere) {
    put("reset_password.txt.mustache", "Subject: Neu: {{handle}}\r\n\r\nIhr Code: {{token}}\r\n");
    put("README", "not a template");
    const Result<Templates> templates = load();
    ASSERT_TRUE(templates.has_value()) << templates.error().message;
    const RenderedLetter mine =
        templates->render(letter_of(LetterKind::reset_password), nest, noon);
    EXPECT_EQ(mine.subject, "Neu: ann.nest.example");
    EXPECT_EQ(mine.text, "Ihr Code: ABCDE-FGHIJ\r\n");
    EXPECT_TRUE(mine.html.starts_with("<!doctype html>"));
    EXPECT_NE(templates->render(letter_of(LetterKind::confirm_email), nest, noon).subject,
              mine.subject);
}

TEST_F(TemplateFolder, AnEmptyFolderChangesNothing) {
    EXPECT_TRUE(load().has_value());
}

TEST_F(TemplateFolder, AFolderThatIsNotThereIsNamed) {
    const Result<Templates> loaded = Templates::load((folder_ / "missing").string());
    ASSERT_FALSE(loaded.has_value());
    EXPECT_NE(loaded.error().message.find("missing"), std::string::npos);
}

TEST_F(TemplateFolder, AnUnknownNameIsRefused) {
    put("resetpassword.txt.mustache", "Subject: x\n\n{{token}}");
    EXPECT_EQ(refusal(),
              "mail template resetpassword.txt.mustache: no mail uses a template of this name");
}

TEST_F(TemplateFolder, BrokenSyntaxIsRefused) {
    put("delete_account.html.mustache", "<p>{{token</p>");
    EXPECT_NE(refusal().find("mail template delete_account.html.mustache: Unclosed"),
              std::string::npos)
        << refusal();
}

TEST_F(TemplateFolder, AnUnknownValueIsRefused) {
    put("sign_in_code.html.mustache", "{{token}} {{password}}");
    EXPECT_EQ(refusal(),
              "mail template sign_in_code.html.mustache: there is no value \"password\"");
}

TEST_F(TemplateFolder, AnUnknownPartialIsRefused) {
    put("sign_in_code.html.mustache", "{{token}} {{> header}}");
    EXPECT_EQ(refusal(),
              "mail template sign_in_code.html.mustache: there is no partial \"header\"");
}

TEST_F(TemplateFolder, ABrokenPartialIsRefused) {
    put("top.html.mustache", "<p>{{#service}}");
    EXPECT_NE(refusal(), "loaded");
}

TEST_F(TemplateFolder, APartialThatIncludesItselfIsRefused) {
    put("top.html.mustache", "x {{> bottom.html}}");
    put("bottom.html.mustache", "y {{> top.html}}");
    EXPECT_NE(refusal().find("too many partials"), std::string::npos) << refusal();
}

TEST_F(TemplateFolder, ALetterWithoutItsTokenIsRefused) {
    put("plc_operation.txt.mustache", "Subject: Hello\n\nNothing.\n");
    EXPECT_EQ(refusal(), "mail template plc_operation.txt.mustache: does not show {{token}}");
}

TEST_F(TemplateFolder, AConditionalTokenIsNotEnough) {
    put("confirm_email.txt.mustache",
        "Subject: Hello\n\n{{#confirm_link}}{{token}}{{/confirm_link}}\n");
    EXPECT_EQ(refusal(), "mail template confirm_email.txt.mustache: does not show {{token}}");
}

TEST_F(TemplateFolder, ALetterWithoutSubjectIsRefused) {
    for (const char* text : {"{{token}}\n", "Subject: \n\n{{token}}\n", "Subject: {{token}}", ""}) {
        put("update_email.txt.mustache", text);
        EXPECT_EQ(refusal(),
                  "mail template update_email.txt.mustache: must begin with a line \"Subject: …\"")
            << text;
    }
}

TEST_F(TemplateFolder, AHugeFileIsRefused) {
    put("top.html.mustache", std::string(65'537, 'x'));
    EXPECT_NE(refusal().find("larger than 65536 bytes"), std::string::npos);
}

}  // namespace
}  // namespace roost::pds::mail
