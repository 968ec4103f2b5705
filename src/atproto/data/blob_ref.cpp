#include "atproto/data/blob_ref.h"

#include <utility>

namespace roost::atproto {
namespace {

// Integers that every JSON reader represents exactly.
// https://atproto.com/specs/data-model#data-types
constexpr std::int64_t integer_max = (std::int64_t{1} << 53) - 1;

constexpr std::size_t typed_members = 4;
constexpr std::size_t legacy_members = 2;

template <class T>
const T* member(const Object& object, std::string_view name) {
    const Value* value = object.find(name);
    return value == nullptr ? nullptr : value->as<T>();
}

bool says_blob(const Object& object) {
    const auto* type = member<std::string>(object, "$type");
    return type != nullptr && *type == "blob";
}

// What an object of $type "blob" names, if it can be read at all.
std::optional<BlobRef> lenient_blob_ref(const Object& object) {
    const auto* ref = member<Cid>(object, "ref");
    const auto* mime = member<std::string>(object, "mimeType");
    if (ref == nullptr || mime == nullptr) return std::nullopt;
    const auto* size = member<std::int64_t>(object, "size");
    const bool has_size = size != nullptr && *size >= 0;
    return BlobRef{BlobForm::typed, *ref, *mime, has_size ? std::optional(*size) : std::nullopt};
}

// What is wrong with an object of $type "blob"; empty: nothing.
std::string_view fault_of(const Object& object) {
    const auto* ref = member<Cid>(object, "ref");
    if (ref == nullptr) return "\"ref\" is not a link";
    if (ref->codec() != Codec::raw) return "\"ref\" is not a link to raw bytes";
    const auto* mime = member<std::string>(object, "mimeType");
    if (mime == nullptr || !mime->contains('/')) return "\"mimeType\" is not a media type";
    const auto* size = member<std::int64_t>(object, "size");
    if (size == nullptr || *size < 0 || *size > integer_max) return "\"size\" is not a size";
    if (object.size() != typed_members) return "it has other members";
    return {};
}

// Where a walk stands: a chain on the stack, made into text only when it is needed.
struct Step {
    const Step* parent;
    std::string_view name;
    std::optional<std::size_t> index;
};

std::string path_of(const Step* step) {
    if (step == nullptr) return {};
    std::string path = path_of(step->parent);
    if (step->index) return path + "[" + std::to_string(*step->index) + "]";
    if (!path.empty()) path += '.';
    path += step->name;
    return path;
}

// Calls visit(value, object, place) for each object, from the outside in; what is within one is
// only looked at if that returns true. As deep as the value, which its parser has bounded.
template <class Visit>
void walk(const Value& value, const Step* at, Visit& visit) {
    if (const auto* object = value.as<Object>()) {
        if (!visit(value, *object, at)) return;
        for (const auto& [name, inner] : *object) {
            const Step step{at, name, std::nullopt};
            walk(inner, &step, visit);
        }
    } else if (const auto* array = value.as<Array>()) {
        for (std::size_t i = 0; i < array->size(); ++i) {
            const Step step{at, {}, i};
            walk((*array)[i], &step, visit);
        }
    }
}

}  // namespace

std::optional<BlobRef> typed_blob_ref(const Value& value) {
    const auto* object = value.as<Object>();
    if (object == nullptr || !says_blob(*object) || !fault_of(*object).empty()) return std::nullopt;
    return lenient_blob_ref(*object);
}

std::optional<BlobRef> legacy_blob_ref(const Value& value) {
    const auto* object = value.as<Object>();
    if (object == nullptr || object->size() != legacy_members) return std::nullopt;
    const auto* text = member<std::string>(*object, "cid");
    const auto* mime = member<std::string>(*object, "mimeType");
    if (text == nullptr || mime == nullptr || mime->empty()) return std::nullopt;
    const Result<Cid> cid = Cid::parse(*text);
    if (!cid) return std::nullopt;
    return BlobRef{BlobForm::legacy, *cid, *mime, std::nullopt};
}

std::vector<FoundBlob> find_blob_refs(const Value& value) {
    std::vector<FoundBlob> found;
    auto visit = [&found](const Value& here, const Object& object, const Step* at) {
        const auto ref = says_blob(object) ? lenient_blob_ref(object) : legacy_blob_ref(here);
        if (!ref) return true;
        found.push_back({path_of(at), *ref});
        return false;
    };
    walk(value, nullptr, visit);
    return found;
}

Result<void> check_blob_refs(const Value& value) {
    std::optional<Error> error;
    auto visit = [&error](const Value&, const Object& object, const Step* at) {
        if (error) return false;
        if (!says_blob(object)) return true;
        const std::string_view fault = fault_of(object);
        if (fault.empty()) return false;
        const std::string place = path_of(at);
        error = Error::invalid("Invalid blob reference" + (place.empty() ? "" : " at " + place) +
                               ": " + std::string(fault));
        return false;
    };
    walk(value, nullptr, visit);
    if (error) return *std::move(error);
    return {};
}

}  // namespace roost::atproto
