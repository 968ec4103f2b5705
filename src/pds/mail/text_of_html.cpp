#include "pds/mail/text_of_html.h"

#include <algorithm>
#include <array>
#include <utility>

namespace roost::pds::mail {

namespace {

constexpr std::string_view white_space = " \t\r\n\f";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string lowered(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

// After these comes a new line, after the second kind an empty one.
constexpr std::array line_tags = {"br", "div", "li", "tr", "/ul", "/ol", "/table"};
constexpr std::array paragraph_tags = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "blockquote"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> entities = {
    {{"&amp;", "&"},
     {"&lt;", "<"},
     {"&gt;", ">"},
     {"&quot;", "\""},
     {"&#39;", "'"},
     {"&nbsp;", " "}}};

template <class Names>
bool is_among(const Names& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

class Reading {
  public:
    explicit Reading(std::string_view html) : rest_(html) {}

    std::string run() {
        while (!rest_.empty()) {
            const std::size_t open = std::min(rest_.find('<'), rest_.size());
            words(rest_.substr(0, open));
            rest_.remove_prefix(open);
            if (!rest_.empty()) tag();
        }
        while (out_.ends_with('\n') || out_.ends_with(' '))
            out_.pop_back();
        return std::move(out_) + "\n";
    }

  private:
    void words(std::string_view text) {
        while (!text.empty()) {
            if (white_space.find(text.front()) != std::string_view::npos) {
                if (!out_.empty() && out_.back() != ' ' && out_.back() != '\n') out_ += ' ';
                text.remove_prefix(1);
                continue;
            }
            const auto entity = std::ranges::find_if(
                entities, [&](const auto& each) { return text.starts_with(each.first); });
            if (entity != entities.end()) {
                out_ += entity->second;
                text.remove_prefix(entity->first.size());
                continue;
            }
            out_ += text.front();
            text.remove_prefix(1);
        }
    }

    void tag() {
        if (rest_.starts_with("<!--")) return skip_past("-->");
        const std::size_t close = rest_.find('>');
        if (close == std::string_view::npos) {
            rest_ = {};
            return;
        }
        const std::string_view inside = rest_.substr(1, close - 1);
        rest_.remove_prefix(close + 1);
        const std::string name =
            lowered(inside.substr(0, inside.find_first_of(" \t\r\n\f/", inside.starts_with('/'))));
        if (name == "style" || name == "script" || name == "head") return skip_past("</" + name);
        if (name == "a") link_ = attribute(inside, "href");
        if (name == "/a" && !link_.empty()) {
            if (!out_.ends_with(link_)) out_ += " (" + link_ + ")";
            link_.clear();
        }
        const std::string_view bare =
            name.starts_with('/') ? std::string_view(name).substr(1) : name;
        if (is_among(line_tags, name)) new_lines(1);
        if (is_among(paragraph_tags, bare)) new_lines(2);
        if (name == "li") out_ += "- ";
    }

    // Behind an end mark, in any case of letters, and behind the tag that it may be in.
    void skip_past(std::string_view mark) {
        const auto found = std::ranges::search(rest_, mark, {}, lower, lower);
        rest_.remove_prefix(static_cast<std::size_t>(found.end() - rest_.begin()));
        if (mark.ends_with('>')) return;
        rest_.remove_prefix(std::min(rest_.find('>'), rest_.size()));
        if (!rest_.empty()) rest_.remove_prefix(1);
    }

    static std::string attribute(std::string_view tag, std::string_view name) {
        const std::size_t found = lowered(tag).find(std::string(name) + "=");
        if (found == std::string::npos) return {};
        std::string_view value = tag.substr(found + name.size() + 1);
        if (value.empty() || (value.front() != '"' && value.front() != '\'')) return {};
        const std::size_t end = value.find(value.front(), 1);
        return end == std::string_view::npos ? "" : std::string(value.substr(1, end - 1));
    }

    void new_lines(std::size_t wanted) {
        if (out_.empty()) return;
        while (out_.ends_with(' '))
            out_.pop_back();
        std::size_t have = 0;
        while (have < out_.size() && out_[out_.size() - 1 - have] == '\n')
            ++have;
        for (; have < wanted; ++have)
            out_ += '\n';
    }

    std::string_view rest_;
    std::string out_;
    std::string link_;
};

}  // namespace

std::string text_of_html(std::string_view html) {
    return Reading(html).run();
}

}  // namespace roost::pds::mail
