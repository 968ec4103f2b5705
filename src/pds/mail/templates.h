// The words of our letters: Mustache templates, compiled into the program.
//
// A letter of kind K is made of K.txt.mustache, whose first line is "Subject: …", and of
// K.html.mustache. Both may use {{service}}, {{url}}, {{handle}}, {{token}}, {{minutes}},
// {{valid_until}} and the partials {{> top.html}}, {{> bottom.html}} and {{> bottom.txt}}; a letter
// that confirms an address also has {{#confirm_link}}. In the HTML part all values are escaped.
// An operator can put files of the same names into a folder; what is not there stays ours.
// Immutable after load(): any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "pds/mail/letter.h"

namespace roost::pds::mail {

struct RenderedLetter {
    std::string subject;  // one line, UTF-8
    std::string text;
    std::string html;
};

struct Branding {
    std::string service;       // the name people know the server by
    std::string url;           // of the server, "https://example.com"
    std::string confirm_link;  // prefix of a link that confirms an address, empty for none
};

class Templates {
  public:
    // Reads the folder, if one is named, and renders every letter once: a template that cannot be
    // parsed, names a value that does not exist, or does not show the token is an error here.
    static Result<Templates> load(const std::string& folder);

    // The letter as it reads when its token was made at `asked_at`.
    RenderedLetter render(const Letter& letter, const Branding& branding, Timestamp asked_at) const;

  private:
    Templates() = default;
    Result<RenderedLetter> try_render(const Letter& letter, const Branding& branding,
                                      Timestamp asked_at) const;
    Result<void> check_all() const;

    std::map<std::string, std::string, std::less<>> sources_;  // by name, "top.html"
};

}  // namespace roost::pds::mail
