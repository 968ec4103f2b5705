#include "atproto/lexicon/catalog.h"

#include <algorithm>
#include <utility>

#include "atproto/data/json.h"

namespace roost::lexicon {
namespace {

constexpr int ref_chain_max = 8;  // a reference to a reference to …; published ones: 1

}  // namespace

Result<Catalog> Catalog::of(std::span<const std::string_view> documents) {
    Catalog out;
    for (std::string_view text : documents) {
        const atproto::Value json = TRY(atproto::json::parse(text));
        Document document = TRY(parse_document(json));
        TRY(out.add(std::move(document)));
    }
    TRY(out.resolve());
    return out;
}

Result<Catalog> Catalog::over(const Catalog& base, std::vector<Document> documents) {
    Catalog out;
    out.base_ = &base;
    for (Document& document : documents)
        TRY(out.add(std::move(document)));
    TRY(out.resolve());
    return out;
}

Result<void> Catalog::add(Document document) {
    std::string id = document.id;
    if (this->document(id) != nullptr)
        return Error::invalid("Two lexicon documents are called " + id);
    by_nsid_.emplace(std::move(id), std::make_unique<Document>(std::move(document)));
    return {};
}

const Document* Catalog::document(std::string_view nsid) const {
    auto found = by_nsid_.find(nsid);
    if (found != by_nsid_.end()) return found->second.get();
    return base_ == nullptr ? nullptr : base_->document(nsid);
}

const Definition* Catalog::definition(std::string_view name) const {
    const std::size_t hash = name.find('#');
    const Document* in = document(name.substr(0, hash));
    if (in == nullptr) return nullptr;
    return in->find(hash == std::string_view::npos ? "main" : name.substr(hash + 1));
}

const Method* Catalog::method(std::string_view nsid) const {
    const Document* in = document(nsid);
    const Definition* main = in == nullptr ? nullptr : in->find("main");
    return main == nullptr ? nullptr : std::get_if<Method>(&main->content);
}

const Record* Catalog::record(std::string_view nsid) const {
    const Document* in = document(nsid);
    const Definition* main = in == nullptr ? nullptr : in->find("main");
    return main == nullptr ? nullptr : std::get_if<Record>(&main->content);
}

const Schema* Catalog::schema(std::string_view name) const {
    const Definition* found = definition(name);
    if (found == nullptr) return nullptr;
    if (const auto* record = std::get_if<Record>(&found->content)) return &record->schema;
    return std::get_if<Schema>(&found->content);
}

std::vector<const Document*> Catalog::documents() const {
    std::vector<const Document*> out;
    for (const auto& [nsid, document] : by_nsid_)
        out.push_back(document.get());
    std::ranges::sort(out, {}, &Document::id);
    return out;
}

Result<void> Catalog::resolve() {
    for (auto& [nsid, document] : by_nsid_) {
        for (Definition& definition : document->definitions) {
            std::string where = nsid + "#" + definition.name;
            if (auto* schema = std::get_if<Schema>(&definition.content))
                TRY(resolve(*schema, where));
            else if (auto* method = std::get_if<Method>(&definition.content))
                TRY(resolve(*method, where));
            else if (auto* record = std::get_if<Record>(&definition.content))
                TRY(resolve(record->schema, where));
        }
    }
    return {};
}

Result<void> Catalog::resolve(Method& method, std::string& where) {
    TRY(resolve(method.parameters, where));
    if (method.input && method.input->schema) TRY(resolve(*method.input->schema, where));
    if (method.output && method.output->schema) TRY(resolve(*method.output->schema, where));
    if (method.message) TRY(resolve(*method.message, where));
    return {};
}

Result<void> Catalog::resolve(RefSchema& ref, const std::string& where) {
    ref.target = schema(ref.name);
    for (int i = 0; i < ref_chain_max && ref.target != nullptr; ++i) {
        const RefSchema* next = ref.target->as<RefSchema>();
        if (next == nullptr) return {};
        ref.target = schema(next->name);
    }
    return Error::invalid(where + " refers to nothing: " + ref.name);
}

Result<void> Catalog::resolve(ObjectSchema& object, std::string& where) {
    const std::size_t size = where.size();
    for (Property& property : object.properties) {
        where += '/';
        where += property.name;
        TRY(resolve(*property.schema, where));
        where.resize(size);
    }
    return {};
}

Result<void> Catalog::resolve(Schema& schema, std::string& where) {
    if (auto* object = std::get_if<ObjectSchema>(&schema.kind)) {
        TRY(resolve(*object, where));
    } else if (auto* array = std::get_if<ArraySchema>(&schema.kind)) {
        TRY(resolve(*array->items, where));
    } else if (auto* ref = std::get_if<RefSchema>(&schema.kind)) {
        TRY(resolve(*ref, where));
    } else if (auto* any_of = std::get_if<UnionSchema>(&schema.kind)) {
        for (RefSchema& member : any_of->refs) {
            TRY(resolve(member, where));
            if (member.target->as<ObjectSchema>() == nullptr)
                return Error::invalid(where + " is a union with what is no object: " + member.name);
        }
    }
    return {};
}

}  // namespace roost::lexicon
