#include "pds/repos/import_reader.h"

#include "atproto/data/blob_ref.h"
#include "atproto/data/cbor.h"
#include "pds/limits.h"
#include "pds/repos/write.h"

namespace roost::pds {

namespace {

using atproto::Cid;

Error in_record(std::string_view key, const std::string& what) {
    return Error::invalid("The record " + std::string(key) + ": " + what);
}

// Stricter than the tree is: what is served must have a URI.
Result<void> check_key(std::string_view key) {
    const std::size_t slash = key.find('/');
    const auto collection = atproto::Nsid::parse(key.substr(0, slash));
    if (!collection.has_value()) return in_record(key, collection.error().message);
    const auto rkey = atproto::RecordKey::parse(key.substr(slash + 1));
    if (!rkey.has_value()) return in_record(key, rkey.error().message);
    return {};
}

}  // namespace

Result<ImportReader> ImportReader::open(ImportSource& source, const atproto::Did& did,
                                        std::uint64_t record_bytes_max) {
    atproto::CarBlocks& blocks = source.file();
    if (blocks.roots().size() != 1)
        return Error::invalid("A repository's CAR file has one root, and this one has " +
                              std::to_string(blocks.roots().size()));
    const Cid root = blocks.roots().front();
    if (root.codec() != atproto::Codec::dag_cbor)
        return Error::invalid("The root of the CAR file is not a commit: " + root.text());
    Bytes block = TRY(blocks.find(root));
    atproto::Commit commit = TRY(atproto::parse_commit(block));
    if (commit.did != did)
        return Error::invalid("The CAR file holds the repository of " + commit.did.text() +
                              ", not that of " + did.text());
    return ImportReader(source, std::move(commit), root, std::move(block), record_bytes_max);
}

Result<ImportPiece::Record> ImportReader::read_record(std::string_view key, const Cid& cid) {
    TRY(check_key(key));
    if (cid.codec() != atproto::Codec::dag_cbor)
        return in_record(key, "its CID is not one of DAG-CBOR");
    Bytes bytes = TRY(source_->record(key, cid));
    if (bytes.size() > limits::record_bytes_max)
        return in_record(key, "it is too large: " + std::to_string(bytes.size()) +
                                  " bytes, of at most " + std::to_string(limits::record_bytes_max));
    if (bytes.size() > record_bytes_left_)
        return Error{Fault::payload_too_large, "PayloadTooLarge",
                     "The records take more than an import may have"};
    record_bytes_left_ -= bytes.size();
    const Result<atproto::Value> value = atproto::cbor::decode(bytes);
    if (!value.has_value()) return in_record(key, value.error().message);
    const auto* const object = value->as<atproto::Object>();
    if (object == nullptr) return in_record(key, "it is not an object");
    ImportPiece::Record record{.key = std::string(key),
                               .cid = cid,
                               .value = std::move(bytes),
                               .blobs = {},
                               .subject = subject_of(key.substr(0, key.find('/')), *object)};
    for (const atproto::FoundBlob& found : atproto::find_blob_refs(*value))
        record.blobs.push_back(found.ref.cid);
    return record;
}

Result<ImportPiece> ImportReader::next() {
    ImportPiece piece;
    std::size_t rows = 0, bytes = 0;
    while (rows < limits::import_piece_rows_max && bytes < limits::import_piece_bytes_max) {
        const std::optional<atproto::mst::PreorderWalk::Item> item = TRY(walk_.next(*source_));
        if (!item) break;
        if (item->is_node()) {
            piece.nodes.push_back({item->layer, std::string(item->key),
                                   Bytes(item->bytes.begin(), item->bytes.end())});
            rows += 1;
            bytes += item->bytes.size();
            continue;
        }
        piece.records.push_back(TRY(read_record(item->key, item->cid)));
        const ImportPiece::Record& record = piece.records.back();
        rows += 1 + record.blobs.size() + (record.subject ? 1 : 0);
        bytes += record.value.size();
        ++record_count_;
    }
    return piece;
}

}  // namespace roost::pds
