// References to blobs within a value of the data model.
//
//     {"$type": "blob", "ref": {"$link": "bafkrei…"}, "mimeType": "image/png", "size": 1234}
//     {"cid": "bafkrei…", "mimeType": "image/png"}                         the form of 2022
//
// Readers of what others wrote (an imported repository) take what names a blob and find_blob_refs()
// is lenient: a size may be absent or wrong. What is written today must have the exact form, which
// check_blob_refs() demands. What comes out points into the value. Pure; any thread.
// https://atproto.com/specs/data-model#blob-type
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/data/cid.h"
#include "atproto/data/value.h"
#include "base/result.h"

namespace roost::atproto {

enum class BlobForm : std::uint8_t { typed, legacy };

struct BlobRef {
    BlobForm form;
    Cid cid;
    std::string_view mime_type;
    std::optional<std::int64_t> size;  // a legacy reference has none
};

// The reference if the value is one: typed, of the exact form; or legacy, these two members alone.
std::optional<BlobRef> typed_blob_ref(const Value& value);
std::optional<BlobRef> legacy_blob_ref(const Value& value);

struct FoundBlob {
    std::string path;  // "embed.images[0].image"; empty: the value itself
    BlobRef ref;
};
// All references, in the order of the value; one that is there twice is found twice.
std::vector<FoundBlob> find_blob_refs(const Value& value);

// Refuses a value in which an object of $type "blob" has another form: a member is missing, of the
// wrong type or too many, the link is not to raw bytes, the size is negative. Errors:
// Fault::invalid, with the place.
Result<void> check_blob_refs(const Value& value);

}  // namespace roost::atproto
