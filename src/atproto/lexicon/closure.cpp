#include "atproto/lexicon/closure.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace roost::lexicon {
namespace {

// Published records need one or two besides their own.
constexpr std::size_t documents_max = 32;

std::string_view nsid_of(std::string_view name) {
    return name.substr(0, name.find('#'));
}

std::string_view definition_of(std::string_view name) {
    const std::size_t hash = name.find('#');
    return hash == std::string_view::npos ? "main" : name.substr(hash + 1);
}

std::string full_name(const std::string& nsid, const std::string& definition) {
    return definition == "main" ? nsid : nsid + "#" + definition;
}

// What a reference can mean; null if it is another kind of definition.
template <class D>
auto schema_of(D& definition) -> decltype(std::get_if<Schema>(&definition.content)) {
    if (auto* record = std::get_if<Record>(&definition.content)) return &record->schema;
    return std::get_if<Schema>(&definition.content);
}

}  // namespace

Closure::Closure(const Catalog& base, std::string nsid) : base_(base), nsid_(std::move(nsid)) {
    note(nsid_);
    follow();
}

std::optional<std::string> Closure::wanted() const {
    if (wanted_.empty()) return std::nullopt;
    // The record's own first: without it, the others are of no use.
    return wanted_.contains(nsid_) ? nsid_ : wanted_.begin()->first;
}

void Closure::note(const std::string& name) {
    if (base_.document(nsid_of(name)) == nullptr && reached_.insert(name).second)
        to_follow_.push_back(name);
}

void Closure::note(const Schema& schema) {
    if (const auto* object = schema.as<ObjectSchema>()) {
        for (const Property& property : object->properties)
            note(*property.schema);
    } else if (const auto* array = schema.as<ArraySchema>()) {
        note(*array->items);
    } else if (const auto* ref = schema.as<RefSchema>()) {
        note(ref->name);
    } else if (const auto* any_of = schema.as<UnionSchema>()) {
        for (const RefSchema& member : any_of->refs)
            note(member.name);
    }
}

void Closure::follow() {
    while (!to_follow_.empty()) {
        const std::string name = std::move(to_follow_.front());
        to_follow_.pop_front();
        const std::string nsid(nsid_of(name));
        if (absent_.contains(nsid)) continue;
        if (const auto known = documents_.find(nsid); known != documents_.end()) {
            const Definition* found = known->second.find(definition_of(name));
            const Schema* schema = found == nullptr ? nullptr : schema_of(*found);
            if (schema != nullptr) note(*schema);
        } else if (wanted_.contains(nsid) || documents_.size() + wanted_.size() < documents_max) {
            wanted_[nsid].push_back(name);
        } else {
            absent_.emplace(nsid, "more than " + std::to_string(documents_max) + " are needed");
        }
    }
}

void Closure::add(Document document) {
    const auto wanted = wanted_.find(document.id);
    check(wanted != wanted_.end(), "a document that is added was wanted");
    to_follow_.insert(to_follow_.end(), wanted->second.begin(), wanted->second.end());
    wanted_.erase(wanted);
    std::string nsid = document.id;
    documents_.emplace(std::move(nsid), std::move(document));
    follow();
}

void Closure::give_up(const std::string& nsid, const Error& why) {
    wanted_.erase(nsid);
    absent_.emplace(nsid, why.message);
}

bool Closure::is_there(std::string_view name) const {
    const std::string_view nsid = nsid_of(name);
    if (base_.document(nsid) != nullptr) return base_.schema(name) != nullptr;
    const auto known = documents_.find(nsid);
    return known != documents_.end() && known->second.find(definition_of(name)) != nullptr;
}

void Closure::prune(Schema& schema) const {
    if (auto* object = std::get_if<ObjectSchema>(&schema.kind)) {
        for (Property& property : object->properties)
            prune(*property.schema);
    } else if (auto* array = std::get_if<ArraySchema>(&schema.kind)) {
        prune(*array->items);
    } else if (auto* any_of = std::get_if<UnionSchema>(&schema.kind)) {
        if (any_of->openness == Openness::open)
            std::erase_if(any_of->refs,
                          [&](const RefSchema& member) { return !is_there(member.name); });
    }
}

Result<Catalog> Closure::finish() {
    check(wanted_.empty(), "all documents were given or given up");
    if (const auto absent = absent_.find(nsid_); absent != absent_.end())
        return Error::invalid(absent->second);
    std::vector<Document> documents;
    for (auto& [nsid, document] : documents_) {
        std::erase_if(document.definitions, [&](const Definition& definition) {
            return !reached_.contains(full_name(nsid, definition.name));
        });
        for (Definition& definition : document.definitions)
            if (Schema* schema = schema_of(definition)) prune(*schema);
    }
    for (auto& [nsid, document] : documents_)
        documents.push_back(std::move(document));
    Result<Catalog> rules = Catalog::over(base_, std::move(documents));
    if (!rules.has_value()) {
        std::string message = rules.error().message;
        for (const auto& [nsid, why] : absent_)
            if (message.ends_with(nsid) || message.contains(nsid + "#"))
                message += " (" + why + ")";
        return Error::invalid(std::move(message));
    }
    if (rules->record(nsid_) == nullptr)
        return Error::invalid("the main definition of " + nsid_ + " is no record");
    return rules;
}

}  // namespace roost::lexicon
