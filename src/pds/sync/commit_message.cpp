#include "pds/sync/commit_message.h"

#include "atproto/data/cbor.h"
#include "base/check.h"

namespace roost::pds {

namespace {

using namespace atproto::cbor;
using atproto::Operation;

constexpr std::uint8_t major_array = 4;
constexpr std::uint8_t major_map = 5;

void append_optional_cid(Bytes& out, const std::optional<atproto::Cid>& cid) {
    if (cid)
        append_cid(out, *cid);
    else
        append_null(out);
}

void append_operation(Bytes& out, const Operation& operation) {
    append_head(out, major_map, operation.prev ? 4 : 3);
    append_text(out, "cid");
    append_optional_cid(out, operation.cid);
    append_text(out, "path");
    append_text(out, operation.path);
    if (operation.prev) {
        append_text(out, "prev");
        append_cid(out, *operation.prev);
    }
    append_text(out, "action");
    append_text(out, atproto::action_name(operation.action));
}

std::optional<atproto::Cid> cid_of(const atproto::Object& object, std::string_view key) {
    const atproto::Value* value = object.find(key);
    const atproto::Cid* cid = value != nullptr ? value->as<atproto::Cid>() : nullptr;
    return cid != nullptr ? std::optional(*cid) : std::nullopt;
}

const std::string& text_of(const atproto::Object& object, std::string_view key) {
    const atproto::Value* value = object.find(key);
    check(value != nullptr && value->as<std::string>() != nullptr, "a commit in the log is whole");
    return *value->as<std::string>();
}

}  // namespace

Bytes encode_commit_message(const CommitMessage& message) {
    Bytes out;
    out.reserve(message.blocks.size() + 512 + message.operations.size() * 256);
    append_head(out, major_map, 10);
    append_text(out, "ops");
    append_head(out, major_array, message.operations.size());
    for (const Operation& operation : message.operations)
        append_operation(out, operation);
    append_text(out, "rev");
    append_text(out, message.rev.text());
    append_text(out, "repo");
    append_text(out, message.repo.text());
    append_text(out, "blobs");
    append_head(out, major_array, 0);
    append_text(out, "since");
    append_text(out, message.since.text());
    append_text(out, "blocks");
    append_bytes(out, message.blocks);
    append_text(out, "commit");
    append_cid(out, message.commit);
    append_text(out, "rebase");
    append_bool(out, false);
    append_text(out, "tooBig");
    append_bool(out, false);
    append_text(out, "prevData");
    append_cid(out, message.prev_data);
    return out;
}

LoggedCommit read_commit(ByteView body) {
    const Result<atproto::Value> value = atproto::cbor::decode(body);
    check(value.has_value() && value->as<atproto::Object>() != nullptr,
          "an event in the log is an object");
    const atproto::Object& message = *value->as<atproto::Object>();
    Result<atproto::Tid> rev = atproto::Tid::parse(text_of(message, "rev"));
    check(rev.has_value(), "a commit in the log has a revision");
    LoggedCommit commit{*std::move(rev), {}};
    const atproto::Value* ops = message.find("ops");
    check(ops != nullptr && ops->as<atproto::Array>() != nullptr, "a commit in the log has ops");
    for (const atproto::Value& item : *ops->as<atproto::Array>()) {
        const atproto::Object* object = item.as<atproto::Object>();
        check(object != nullptr, "an operation in the log is an object");
        const auto action = atproto::parse_action(text_of(*object, "action"));
        check(action.has_value(), "an operation in the log has an action");
        commit.operations.push_back(
            {*action, text_of(*object, "path"), cid_of(*object, "cid"), cid_of(*object, "prev")});
    }
    return commit;
}

}  // namespace roost::pds
