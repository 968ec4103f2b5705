// What kind of file a blob is: what its first bytes tell, or else what the uploader says. Media are
// not parsed further than their marks. Pure; any thread.
// https://mimesniff.spec.whatwg.org/
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace roost::pds {

// "type/subtype" of a Content-Type header, in lower case and without parameters. Nothing if it is
// malformed or longer than limits::media_type_bytes_max.
// https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1
std::optional<std::string> parse_media_type(std::string_view header);

// Nothing if no mark is known. `start` is the first limits::sniffed_bytes_max bytes, or all.
std::optional<std::string_view> sniff_media_type(ByteView start);

}  // namespace roost::pds
