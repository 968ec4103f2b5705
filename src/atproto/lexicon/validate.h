// Do the inputs, outputs and parameters of a method obey its lexicon document? The only place in
// the house that knows required, nullable, formats, lengths, ranges, enum, const, unions and
// defaults. Properties that a document does not name are allowed, as the specification demands of
// readers. Pure; any thread.
//
// Errors are Fault::invalid, "InvalidRequest", worded as the reference server words them today:
//     Missing required key "handle" at $
//     Invalid DID (got "x") at $.forAccounts[1]
//     Invalid com.atproto.sync.getRepo params: Missing required key "did"
// They quote the value that was refused, so they go to the client that sent it and into no log.
// https://atproto.com/specs/lexicon
#pragma once

#include <cstdint>
#include <string_view>

#include "atproto/data/value.h"
#include "atproto/lexicon/catalog.h"
#include "atproto/lexicon/document.h"
#include "base/result.h"

namespace roost::lexicon {

// Checks the body of a call and puts in the defaults of what is absent. A method whose input has no
// schema takes anything.
Result<void> validate_input(const Method& method, atproto::Value& input);
// Checks an answer of ours; it must be complete, so no default is put in. For tests and
// development.
Result<void> validate_output(const Method& method, const atproto::Value& output);
// The parameters of a call, from its query string (without the "?"): percent-decoded as
// application/x-www-form-urlencoded, typed, checked, defaults put in. An array is the same name
// several times. Parameters with an empty value are taken as absent, unknown ones are dropped.
// https://url.spec.whatwg.org/#urlencoded-parsing
Result<atproto::Object> parse_params(const Method& method, std::string_view query);

// The same, for a method that the catalog must have.
Result<void> validate_input(const Catalog& catalog, std::string_view nsid, atproto::Value& input);
Result<void> validate_output(const Catalog& catalog, std::string_view nsid,
                             const atproto::Value& output);
Result<atproto::Object> parse_params(const Catalog& catalog, std::string_view nsid,
                                     std::string_view query);

// Any value against any definition: objects, and the parts of events. Puts in no defaults.
Result<void> validate(const Schema& schema, const atproto::Value& value);

// Whether the form of blob references that is no longer written, {cid, mimeType}, is good enough:
// not for a record that is written now. Its size is unknown, so no limit of size applies.
enum class LegacyBlobs : std::uint8_t { refuse, accept };

// A record as a repository holds it: whether its collection may have this key and this content,
// which must name the collection in its $type. The place says what refusals call the record. Puts
// in no defaults. Refusals read
//     Invalid record key for a.b.like: Invalid TID string (got "x") at $
//     Invalid a.b.like record: Missing required key "subject" at $.record
// https://atproto.com/specs/record-key, https://atproto.com/specs/lexicon#record
struct RecordView {
    std::string_view key;
    const atproto::Value& value;
    std::string_view place = "$.record";
    LegacyBlobs legacy_blobs = LegacyBlobs::refuse;
};
Result<void> validate_record(const Record& rules, const RecordView& record);

// The same by the name of the collection. unknown: the catalog has no such record, so nothing was
// checked; whether that will do is the caller's to say.
enum class RecordStatus : std::uint8_t { valid, unknown };
Result<RecordStatus> validate_record(const Catalog& catalog, std::string_view collection,
                                     const RecordView& record);

}  // namespace roost::lexicon
