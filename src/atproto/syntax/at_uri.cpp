#include "atproto/syntax/chars.h"
#include "atproto/syntax/syntax.h"

namespace roost::atproto {

namespace {

constexpr std::size_t at_uri_size_max = 8 * 1024;
constexpr std::string_view at_scheme = "at://";

Error bad_at_uri(std::string_view why) {
    return Error::invalid("Invalid AT URI: " + std::string(why));
}

Result<std::string> normal_authority(std::string_view text) {
    if (text.starts_with("did:")) return TRY(Did::parse(text))
    .text();
    return TRY(Handle::parse(text))
    .text();
}

}  // namespace

Result<AtUri> AtUri::parse(std::string_view text) {
    if (text.size() > at_uri_size_max) return bad_at_uri("too long");
    if (!text.starts_with(at_scheme)) return bad_at_uri("does not begin with \"at://\"");
    if (text.ends_with('/')) return bad_at_uri("ends with a slash");
    std::string_view rest = text.substr(at_scheme.size());

    auto authority = normal_authority(detail::take_part(rest, '/'));
    if (!authority) return bad_at_uri("the authority is neither a DID nor a handle");
    std::string normal = std::string(at_scheme) + *authority;
    if (rest.empty()) return AtUri(std::move(normal));

    auto collection = Nsid::parse(detail::take_part(rest, '/'));
    if (!collection) return bad_at_uri("the collection is not an NSID");
    normal += '/' + collection->text();
    if (rest.empty()) return AtUri(std::move(normal));

    auto rkey = RecordKey::parse(rest);
    if (!rkey) return bad_at_uri("the last part is not a record key");
    return AtUri(std::move(normal) + '/' + rkey->text());
}

AtUri AtUri::of(const Did& did, const Nsid& collection, const RecordKey& rkey) {
    std::string text;
    text.reserve(at_scheme.size() + did.text().size() + collection.text().size() +
                 rkey.text().size() + 2);
    text += at_scheme;
    text += did.text();
    text += '/';
    text += collection.text();
    text += '/';
    text += rkey.text();
    return AtUri(std::move(text));
}

std::string_view AtUri::authority() const {
    std::string_view rest = std::string_view(text()).substr(at_scheme.size());
    return detail::take_part(rest, '/');
}

std::string_view AtUri::collection() const {
    std::string_view rest = std::string_view(text()).substr(at_scheme.size());
    detail::take_part(rest, '/');
    return detail::take_part(rest, '/');
}

std::string_view AtUri::rkey() const {
    std::string_view rest = std::string_view(text()).substr(at_scheme.size());
    detail::take_part(rest, '/');
    detail::take_part(rest, '/');
    return rest;
}

}  // namespace roost::atproto
