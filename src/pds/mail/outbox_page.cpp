#include "pds/mail/outbox_page.h"

#include <string_view>

namespace roost::pds::mail {
namespace {

constexpr std::string_view page_top = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Outbox</title>
<style>
body { margin: 2rem auto; max-width: 44rem; padding: 0 1rem; color: #1c2733;
       font: 16px/1.5 Helvetica, Arial, sans-serif; background: #eef1f5; }
details { background: #fff; border: 1px solid #dde2e9; border-radius: 8px; margin: 0 0 1rem;
          padding: .75rem 1rem; }
summary { cursor: pointer; }
.meta { color: #5a6675; font-size: .875rem; }
pre { white-space: pre-wrap; background: #f3f6fa; border-radius: 6px; padding: 1rem; }
iframe { width: 100%; height: 34rem; border: 1px solid #dde2e9; border-radius: 6px; }
</style>
</head>
<body>
<h1>Outbox</h1>
<p class="meta">Letters that this development server would have sent, newest first. The last 100
are kept. Reload the page to see new ones.</p>
)";

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

void append_json_text(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += c;
        }
    }
    out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
    out += ",\"";
    out += name;
    out += "\":";
    append_json_text(out, value);
}

}  // namespace

std::string render_outbox_html(const std::vector<StoredLetter>& letters) {
    std::string page(page_top);
    if (letters.empty()) page += "<p>There are no letters yet.</p>\n";
    bool is_open = true;  // the newest
    for (const StoredLetter& letter : letters) {
        page += is_open ? "<details open>\n" : "<details>\n";
        is_open = false;
        page += "<summary><b>" + escape_html(letter.rendered.subject) + "</b><br>\n";
        page += "<span class=\"meta\">to " + escape_html(letter.to) + ", " +
                to_iso8601(letter.created_at) + ", " + std::string(name_of(letter.kind)) +
                "</span></summary>\n";
        page += "<pre>" + escape_html(letter.rendered.text) + "</pre>\n";
        page += "<iframe sandbox title=\"HTML\" srcdoc=\"" + escape_html(letter.rendered.html) +
                "\"></iframe>\n";
        page += "</details>\n";
    }
    return page + "</body>\n</html>\n";
}

std::string outbox_json(const std::vector<StoredLetter>& letters) {
    std::string json = "{\"letters\":[";
    bool is_first = true;
    for (const StoredLetter& letter : letters) {
        if (!is_first) json += ',';
        is_first = false;
        json += "{\"id\":" + std::to_string(letter.id);
        append_member(json, "kind", name_of(letter.kind));
        append_member(json, "to", letter.to);
        append_member(json, "subject", letter.rendered.subject);
        append_member(json, "text", letter.rendered.text);
        append_member(json, "html", letter.rendered.html);
        append_member(json, "createdAt", to_iso8601(letter.created_at));
        json += '}';
    }
    return json + "]}";
}

}  // namespace roost::pds::mail
