// An identifier that is accepted is normalised once: its text is accepted and stays as it is.
#include "atproto/syntax/syntax.h"
#include "base/bytes.h"
#include "base/check.h"

namespace {

using namespace roost::atproto;

template <class Kind>
void try_identifier(std::string_view text) {
    auto parsed = Kind::parse(text);
    if (!parsed) {
        roost::check(!parsed.error().message.empty(), "a refusal says why");
        return;
    }
    roost::check(Kind::parse(parsed->text()).value() == *parsed, "the text is accepted again");
}

void try_at_uri(std::string_view text) {
    try_identifier<AtUri>(text);
    auto uri = AtUri::parse(text);
    if (!uri) return;
    roost::check(is_at_identifier(uri->authority()), "an authority");
    roost::check(uri->collection().empty() || Nsid::parse(uri->collection()), "a collection");
    roost::check(uri->rkey().empty() || RecordKey::parse(uri->rkey()), "a record key");
    roost::check(is_uri(uri->text()), "an AT URI is a URI");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = roost::as_text({data, size});
    try_identifier<Did>(text);
    try_identifier<Handle>(text);
    try_identifier<Nsid>(text);
    try_identifier<RecordKey>(text);
    try_identifier<Tid>(text);
    try_at_uri(text);
    roost::check(is_at_identifier(text) == (Did::parse(text) || Handle::parse(text)),
                 "an identifier is a DID or a handle");
    roost::check(!Did::parse(text) || is_did_with_fragment(text), "the fragment is optional");
    if (auto did = Did::parse(text)) roost::check(!did->method().empty(), "a DID has a method");
    if (auto tid = Tid::parse(text); tid && tid->number() >> 63 == 0) {
        const auto clock_id = static_cast<std::uint16_t>(tid->number() & 1023);
        const auto us = static_cast<std::int64_t>(tid->number() >> 10);
        roost::check(Tid::from({us}, clock_id) == *tid, "a TID is its number");
    }
    roost::check(is_datetime(text) == parse_datetime(text).has_value(), "one opinion of datetimes");
    (void)is_language(text);
    return 0;
}
