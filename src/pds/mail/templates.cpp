#include "pds/mail/templates.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <kainjow/mustache.hpp>

#include "base/check.h"
#include "net/http.h"
#include "pds/mail/embedded_templates.h"
#include "pds/mail/limits.h"

namespace roost::pds::mail {
namespace {

namespace mustache = kainjow::mustache;
using Sources = std::map<std::string, std::string, std::less<>>;

// Looks values up as Mustache does, and remembers names that do not exist, where plain Mustache
// would quietly print nothing.
class StrictContext final : public mustache::context<std::string> {
  public:
    explicit StrictContext(const mustache::data* data) : context(data) {}

    const mustache::data* get(const std::string& name) const override {
        const mustache::data* found = context::get(name);
        if (found == nullptr) complain("there is no value \"" + name + "\"");
        return found;
    }
    const mustache::data* get_partial(const std::string& name) const override {
        if (++partials_ > partials_max) {
            complain("too many partials: one that includes itself?");
            return nullptr;
        }
        const mustache::data* found = context::get_partial(name);
        if (found == nullptr) complain("there is no partial \"" + name + "\"");
        return found;
    }
    const std::string& complaint() const { return complaint_; }

  private:
    void complain(std::string text) const {
        if (complaint_.empty()) complaint_ = std::move(text);
    }

    mutable std::string complaint_;
    mutable int partials_ = 0;
};

Error bad_template(std::string_view name, std::string_view why) {
    return Error::invalid("mail template " + std::string(name) + ".mustache: " + std::string(why),
                          "BadMailTemplate");
}

enum class Escaping { html, none };

Result<std::string> fill(const Sources& sources, const std::string& name,
                         const mustache::data& values, Escaping escaping) {
    mustache::mustache compiled(sources.at(name));
    if (!compiled.is_valid()) return bad_template(name, compiled.error_message());
    if (escaping == Escaping::none)
        compiled.set_custom_escape([](const std::string& text) { return text; });
    StrictContext context(&values);
    std::string filled = compiled.render(context);
    if (!context.complaint().empty()) return bad_template(name, context.complaint());
    if (!compiled.is_valid()) return bad_template(name, compiled.error_message());  // of a partial
    while (filled.ends_with("\n\n"))
        filled.pop_back();  // the partial's and our own
    return filled;
}

std::string clock_text(Timestamp time) {
    const std::time_t seconds = time.seconds();
    std::tm utc{};
    check(gmtime_r(&seconds, &utc) != nullptr, "a timestamp is a date");
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%02d:%02d UTC", utc.tm_hour, utc.tm_min);
    return buffer.data();
}

// Cuts "Subject: …" and the empty line under it off the text.
std::optional<std::string> take_subject(std::string& text) {
    constexpr std::string_view label = "Subject: ";
    const std::size_t end = text.find('\n');
    if (!text.starts_with(label) || end == std::string::npos) return std::nullopt;
    std::string subject = text.substr(label.size(), end - label.size());
    if (subject.ends_with('\r')) subject.pop_back();
    if (subject.empty()) return std::nullopt;
    text.erase(0, text.find_first_not_of("\r\n", end));
    return subject;
}

Result<std::string> read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    if (!file) return Error::invalid("mail template " + path.string() + " cannot be read");
    if (content.view().size() > template_bytes_max)
        return Error::invalid("mail template " + path.string() + " is larger than " +
                              std::to_string(template_bytes_max) + " bytes");
    return std::move(content).str();
}

Result<void> read_folder(const std::string& folder, Sources& sources) {
    constexpr std::string_view suffix = ".mustache";
    std::error_code failure;
    std::filesystem::directory_iterator files(folder, failure);
    if (failure)
        return Error::invalid("the folder of mail templates, " + folder +
                              ", cannot be read: " + failure.message());
    for (const auto& file : files) {
        std::string name = file.path().filename().string();
        if (!name.ends_with(suffix)) continue;
        name.resize(name.size() - suffix.size());
        const auto known = sources.find(name);
        if (known == sources.end())
            return bad_template(name, "no mail uses a template of this name");
        known->second = TRY(read_file(file.path()));
    }
    return {};
}

}  // namespace

Result<Templates> Templates::load(const std::string& folder) {
    Templates templates;
    for (const EmbeddedTemplate& one : embedded_templates())
        templates.sources_.emplace(one.name, one.text);
    if (!folder.empty()) TRY(read_folder(folder, templates.sources_));
    TRY(templates.check_all());
    return templates;
}

Result<void> Templates::check_all() const {
    const std::string token = "AAAAA-BBBBB";
    for (const LetterKind kind : templated_letter_kinds) {
        const Letter sample{kind, "ann@example.com", "ann.example.com", SecretText(token)};
        for (const std::string_view link : {"", "https://example.com/?code="}) {
            const Branding branding{"Example", "https://example.com", std::string(link)};
            const RenderedLetter letter = TRY(try_render(sample, branding, Timestamp{}));
            const std::string name(name_of(kind));
            if (letter.text.find(token) == std::string::npos)
                return bad_template(name + ".txt", "does not show {{token}}");
            if (letter.html.find(token) == std::string::npos)
                return bad_template(name + ".html", "does not show {{token}}");
        }
    }
    return {};
}

Result<RenderedLetter> Templates::try_render(const Letter& letter, const Branding& branding,
                                             Timestamp asked_at) const {
    mustache::data values;
    values["service"] = branding.service;
    values["url"] = branding.url;
    values["handle"] = letter.handle;
    values["token"] = letter.token.reveal();
    values["minutes"] = std::to_string(token_minutes);
    values["valid_until"] = clock_text(asked_at.plus_s(token_minutes * 60));
    if (branding.confirm_link.empty())
        values["confirm_link"] = mustache::data(mustache::data::type::bool_false);
    else
        values["confirm_link"] = branding.confirm_link + net::percent_encode(letter.token.reveal());
    for (const char* partial : {"top.html", "bottom.html", "bottom.txt"})
        values[partial] = mustache::data(
            mustache::partial([this, partial] { return sources_.find(partial)->second; }));

    const std::string name(name_of(letter.kind));
    RenderedLetter rendered;
    rendered.text = TRY(fill(sources_, name + ".txt", values, Escaping::none));
    rendered.html = TRY(fill(sources_, name + ".html", values, Escaping::html));
    const std::optional<std::string> subject = take_subject(rendered.text);
    if (!subject) return bad_template(name + ".txt", "must begin with a line \"Subject: …\"");
    rendered.subject = *subject;
    return rendered;
}

RenderedLetter Templates::render(const Letter& letter, const Branding& branding,
                                 Timestamp asked_at) const {
    Result<RenderedLetter> rendered = try_render(letter, branding, asked_at);
    check(rendered.has_value(), "a template that was checked can be rendered");
    return std::move(*rendered);
}

}  // namespace roost::pds::mail
