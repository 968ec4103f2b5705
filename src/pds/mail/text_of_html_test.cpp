#include "pds/mail/text_of_html.h"

#include <gtest/gtest.h>

namespace roost::pds::mail {
namespace {

TEST(TextOfHtml, KeepsWordsLinesAndLinks) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "\n"},
        {"plain words", "plain words\n"},
        {"<p>one</p>\n<p>two <b>bold</b></p>", "one\n\ntwo bold\n"},
        {"a<br>b<BR/>c", "a\nb\nc\n"},
        {"  many   \n\t blanks ", "many blanks\n"},
        {"a &lt;b&gt; &amp;amp; &quot;c&quot; &#39;d&#39;", "a <b> &amp; \"c\" 'd'\n"},
        {"<ul><li>one</li><li>two</li></ul>after", "- one\n- two\nafter\n"},
        {"see <a href=\"https://a.example/x\">this</a>.", "see this (https://a.example/x).\n"},
        {"<a href='https://a.example'>https://a.example</a>", "https://a.example\n"},
        {"<style>p { color: red }</style>seen<script>no()</SCRIPT >too", "seentoo\n"},
        {"a<!-- <p>not this</p> -->b", "ab\n"},
        {"<h1>Title</h1>text", "Title\n\ntext\n"},
        {"cut <off", "cut\n"},
        {"<style>never closed", "\n"},
        {"<a href=>x</a><a href=\"un", "x\n"},
        {"é &unknown; &", "é &unknown; &\n"},
    };
    for (const auto& [html, text] : cases)
        EXPECT_EQ(text_of_html(html), text) << html;
}

TEST(TextOfHtml, ManyTagsAreQuicklyRead) {
    std::string html;
    for (int i = 0; i < 20'000; ++i)
        html += "<p><li><a href=\"x\">";
    EXPECT_FALSE(text_of_html(html).empty());
}

}  // namespace
}  // namespace roost::pds::mail
