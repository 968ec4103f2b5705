// The rules themselves: does a value obey a schema? Private to lexicon/; validate.h is the door.
//
// The work is bounded, whatever the schema and the value: both may come from somebody who wants it
// to be much. Nothing is allocated while the value obeys. The first rule that it breaks becomes an
// Issue, worded as the reference server words it, because clients show and match these texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/data/value.h"
#include "atproto/lexicon/document.h"
#include "atproto/lexicon/validate.h"

namespace roost::lexicon {

struct Issue {
    std::string message;  // "Invalid DID (got \"x\")"
    std::string place;    // "$.subject.did"
};

// Where in the value the check stands: a chain on the stack, made into text only for an Issue.
struct Place {
    enum class Kind : std::uint8_t { member, item };

    const Place* parent;
    Kind kind;
    std::string_view name;
    std::size_t index;

    static Place member(const Place* parent, std::string_view name) {
        return {parent, Kind::member, name, 0};
    }
    static Place item(const Place* parent, std::size_t index) {
        return {parent, Kind::item, {}, index};
    }
};
std::string text_of(const Place* place);  // "$.names[2]"; null: "$"

// supply: a missing property that has a default is fine, and noted. demand: it must be there.
enum class Defaults : std::uint8_t { supply, demand };

class SchemaCheck {
  public:
    explicit SchemaCheck(Defaults defaults, LegacyBlobs legacy_blobs = LegacyBlobs::refuse)
        : defaults_(defaults), legacy_blobs_(legacy_blobs) {}

    bool obeys(const atproto::Value& value, const Schema& schema, const Place* at);
    bool obeys(const atproto::Object& object, const ObjectSchema& schema, const Place* at);

    bool misses_defaults() const { return misses_defaults_; }
    const Issue& issue() const { return issue_; }  // once obeys() was false

  private:
    bool obeys_kind(const atproto::Value& value, const StringSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const IntegerSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const BooleanSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const BytesSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const CidLinkSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const BlobSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const ArraySchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const ObjectSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const RefSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const UnionSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const UnknownSchema& schema, const Place* at);
    bool obeys_kind(const atproto::Value& value, const TokenSchema& schema, const Place* at);
    bool fits_graphemes(const std::string& text, const StringSchema& schema, const Place* at);

    // Counts so many comparisons. False, and the issue is set, if that was too many.
    bool spend(std::size_t comparisons, const Place* at);
    bool refuse(std::string message, const Place* at);
    bool refuse_type(std::string_view expected, const atproto::Value& got, const Place* at);
    bool refuse_size(std::string_view what, std::string_view verdict, std::int64_t limit,
                     std::int64_t got, const Place* at);

    Defaults defaults_;
    LegacyBlobs legacy_blobs_;
    bool misses_defaults_ = false;
    std::size_t spent_ = 0;
    Issue issue_;
};

// The texts of issues, with a short view of the value that was refused.
std::string preview(const atproto::Value& value);
std::string wrong_type(std::string_view expected, const atproto::Value& got);
std::string wrong_value(const std::vector<atproto::Value>& expected, const atproto::Value& got);

// "Invalid TID string (got \"x\")"
std::string wrong_format(StringFormat format, const atproto::Value& got);

bool is_format(StringFormat format, std::string_view text);

bool has_fallback(const Schema& schema);
atproto::Value fallback_of(const Schema& schema);  // only if it has one

}  // namespace roost::lexicon
