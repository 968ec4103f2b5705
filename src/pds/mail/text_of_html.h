// The plain reading of a letter that somebody wrote in HTML.
//
// For people whose mail program shows no HTML: words, line breaks and the addresses of links. Not
// for deciding anything. Any input is fine; the work is linear.
#pragma once

#include <string>
#include <string_view>

namespace roost::pds::mail {

std::string text_of_html(std::string_view html);

}  // namespace roost::pds::mail
