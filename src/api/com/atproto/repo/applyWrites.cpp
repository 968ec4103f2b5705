#include "lexicon/com/atproto/repo/applyWrites.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/repo_writes.h"
#include "atproto/limits.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::repo::applyWrites;

namespace {

constexpr std::string_view create_type = "com.atproto.repo.applyWrites#create";
constexpr std::string_view update_type = "com.atproto.repo.applyWrites#update";

std::string_view type_of(const atproto::Object& object) {
    const atproto::Value* type = object.find("$type");
    check(type != nullptr && type->as<std::string>() != nullptr, "a union's member has a type");
    return *type->as<std::string>();
}

// The union is closed, and the lexicon has been checked: there are these three.
Result<pds::Write> write_of(const atproto::Value& value) {
    const atproto::Object* object = value.as<atproto::Object>();
    check(object != nullptr, "a union's member is an object");
    if (type_of(*object) == create_type) {
        lex::Create create = lex::Create::from(*object);
        return pds::Write {
            .kind = pds::WriteKind::create, .collection = std::move(create.collection),
            .rkey = std::move(create.rkey), .record = TRY(object_of(std::move(create.value)))
        };
    }
    if (type_of(*object) == update_type) {
        lex::Update update = lex::Update::from(*object);
        return pds::Write {
            .kind = pds::WriteKind::update, .collection = std::move(update.collection),
            .rkey = std::move(update.rkey), .record = TRY(object_of(std::move(update.value)))
        };
    }
    lex::Delete erase = lex::Delete::from(*object);
    return pds::Write{.kind = pds::WriteKind::erase,
                      .collection = std::move(erase.collection),
                      .rkey = std::move(erase.rkey)};
}

std::int64_t points_of(const atproto::Object& input) {
    const atproto::Value* writes = input.find("writes");
    const auto* list = writes != nullptr ? writes->as<atproto::Array>() : nullptr;
    check(list != nullptr, "the writes are a list");
    std::int64_t points = 0;
    for (const atproto::Value& write : *list) {
        const std::string_view type = type_of(*write.as<atproto::Object>());
        points += type == create_type   ? create_points
                  : type == update_type ? update_points
                                        : delete_points;
    }
    return points;
}

atproto::Value result_of(const atproto::Did& did, const pds::Written::Item& item,
                         std::string_view write_type) {
    if (!item.cid) return atproto::Object{{"$type", "com.atproto.repo.applyWrites#deleteResult"}};
    atproto::Object result{{"$type", std::string(write_type) + "Result"},
                           {"uri", uri_of(did, item.key).text()},
                           {"cid", item.cid->text()}};
    if (const auto status = status_view(item.status)) result.set("validationStatus", *status);
    return result;
}

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call& call, lex::Input input) {
    if (input.writes.size() > atproto::limits::commit_operations_max)
        co_return Error::invalid("Too many writes. Max: 200");
    pds::WriteRequest request{.validation = validation_of(input.validate)};
    request.swap_commit = CO_TRY(cid_of(input.swapCommit));
    for (const atproto::Value& value : input.writes)
        request.writes.push_back(CO_TRY(write_of(value)));
    const pds::Written written =
        CO_TRY(co_await write_own_repo(services, call, std::move(input.repo), std::move(request)));
    std::vector<atproto::Value> results;
    for (std::size_t i = 0; i < written.items.size(); ++i)
        results.push_back(result_of(call.account().did, written.items[i],
                                    type_of(*input.writes[i].as<atproto::Object>())));
    co_return lex::Output{.commit = commit_view(written), .results = std::move(results)};
}

}  // namespace

void repo::add_applyWrites(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>(write_rule(points_of), with_services(services, answer));
}

}  // namespace roost::api
