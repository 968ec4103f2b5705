#include "atproto/syntax/chars.h"
#include "atproto/syntax/syntax.h"

namespace roost::atproto {

namespace {

constexpr std::size_t record_key_size_max = 512;

constexpr CharTable record_key_chars{[](char c) {
    return detail::is_alphanumeric(c) || c == '_' || c == '~' || c == '.' || c == ':' || c == '-';
}};

}  // namespace

Result<RecordKey> RecordKey::parse(std::string_view text) {
    if (text.empty() || text.size() > record_key_size_max)
        return Error::invalid("Invalid record key: expected 1 to 512 characters");
    if (text == "." || text == "..")
        return Error::invalid("Invalid record key: \".\" and \"..\" are not allowed");
    if (!record_key_chars.has_all_of(text))
        return Error::invalid("Invalid record key: expected letters, digits and \"_~.:-\"");
    return RecordKey(std::string(text));
}

}  // namespace roost::atproto
