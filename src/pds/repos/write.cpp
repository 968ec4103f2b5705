#include "pds/repos/write.h"

#include "atproto/data/blob_ref.h"
#include "atproto/data/cbor.h"
#include "atproto/lexicon/validate.h"
#include "base/check.h"
#include "pds/limits.h"

namespace roost::pds {

namespace {

using atproto::Object;
using atproto::Value;

// The record says what it is, or leaves it to the collection.
Result<void> settle_type(Object& record, const atproto::Nsid& collection) {
    const Value* type = record.find("$type");
    if (type == nullptr) {
        record.set("$type", collection.text());
        return {};
    }
    const std::string* text = type->as<std::string>();
    if (text == nullptr || *text != collection.text())
        return Error::invalid("Invalid $type: expected " + collection.text() + ", got " +
                              (text != nullptr ? *text : "something that is no text"));
    return {};
}

Result<ValidationStatus> validate(const Value& record, const atproto::Nsid& collection,
                                  std::string_view rkey, Validation validation,
                                  const lexicon::Catalog& catalog) {
    if (validation == Validation::off) return ValidationStatus::not_validated;
    const lexicon::RecordStatus status =
        TRY(lexicon::validate_record(catalog, collection.text(), {.key = rkey, .value = record}));
    if (status == lexicon::RecordStatus::unknown) {
        if (validation == Validation::required)
            return Error::invalid("Unknown lexicon type: " + collection.text());
        return ValidationStatus::unknown;
    }
    return ValidationStatus::valid;
}

Result<std::vector<UsedBlob>> blobs_of(const Value& record) {
    TRY(atproto::check_blob_refs(record));
    std::vector<UsedBlob> blobs;
    for (const atproto::FoundBlob& found : atproto::find_blob_refs(record)) {
        if (found.ref.form == atproto::BlobForm::legacy)
            return Error::invalid("Legacy blobs are not allowed (" + found.ref.cid.text() + ")");
        check(found.ref.size.has_value(), "a typed blob reference that was checked has a size");
        blobs.push_back({found.ref.cid, std::string(found.ref.mime_type), *found.ref.size});
    }
    return blobs;
}

}  // namespace

Result<PreparedWrite> prepare(Write write, Validation validation, const lexicon::Catalog& catalog,
                              TidClock& clock, Timestamp now) {
    check(write.rkey.has_value() || write.kind == WriteKind::create,
          "only a new record's key is ours to choose");
    const std::string rkey = write.rkey ? write.rkey->text() : clock.next(now).text();
    PreparedWrite prepared{
        .kind = write.kind,
        .key = write.collection.text() + "/" + rkey,
        .swap_record = write.swap_record,
    };
    if (write.kind == WriteKind::erase || write.kind == WriteKind::erase_if_present)
        return prepared;

    TRY(settle_type(write.record, write.collection));
    prepared.subject = subject_of(write.collection.text(), write.record);
    const Value record(std::move(write.record));
    prepared.status = TRY(validate(record, write.collection, rkey, validation, catalog));
    prepared.blobs = TRY(blobs_of(record));
    prepared.value = atproto::cbor::encode(record);
    if (prepared.value.size() > limits::record_bytes_max)
        return Error::invalid("The record is too large: " + std::to_string(prepared.value.size()) +
                              " bytes, of at most " + std::to_string(limits::record_bytes_max));
    prepared.cid = atproto::Cid::of(atproto::Codec::dag_cbor, prepared.value);
    return prepared;
}

std::optional<std::string> subject_of(std::string_view collection, const Object& record) {
    const Value* subject = record.find("subject");
    if (subject == nullptr) return std::nullopt;
    if (collection == "app.bsky.graph.follow" || collection == "app.bsky.graph.block") {
        const std::string* did = subject->as<std::string>();
        if (did == nullptr || !atproto::Did::parse(*did).has_value()) return std::nullopt;
        return *did;
    }
    if (collection == "app.bsky.feed.like" || collection == "app.bsky.feed.repost") {
        const Object* ref = subject->as<Object>();
        const Value* uri = ref != nullptr ? ref->find("uri") : nullptr;
        const std::string* text = uri != nullptr ? uri->as<std::string>() : nullptr;
        if (text == nullptr || !atproto::AtUri::parse(*text).has_value()) return std::nullopt;
        return *text;
    }
    return std::nullopt;
}

}  // namespace roost::pds
