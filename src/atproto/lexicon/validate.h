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

// Any value against any definition: records, and the parts of events. Puts in no defaults.
Result<void> validate(const Schema& schema, const atproto::Value& value);

}  // namespace roost::lexicon
