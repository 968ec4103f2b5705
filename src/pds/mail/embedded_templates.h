// The files of templates/, as the build put them into the program (embed_templates.cmake).
#pragma once

#include <span>
#include <string_view>

namespace roost::pds::mail {

struct EmbeddedTemplate {
    std::string_view name;  // the file name without ".mustache": "top.html"
    std::string_view text;
};

std::span<const EmbeddedTemplate> embedded_templates();

}  // namespace roost::pds::mail
