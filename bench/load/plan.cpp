#include "plan.h"

#include <algorithm>

#include "atproto/data/json.h"

namespace roost::load {

namespace {

using atproto::Array;
using atproto::Object;
using atproto::Value;

constexpr std::string_view number_mark = "<<n>>";
constexpr std::string_view token_mark = "<<token>>";

std::string text_of(const Object& object, std::string_view key, std::string_view absent) {
    const Value* value = object.find(key);
    const std::string* text = value ? value->as<std::string>() : nullptr;
    return text ? *text : std::string(absent);
}

std::size_t number_of(const Object& object, std::string_view key, std::size_t absent) {
    const Value* value = object.find(key);
    const std::int64_t* number = value ? value->as<std::int64_t>() : nullptr;
    return number && *number >= 0 ? static_cast<std::size_t>(*number) : absent;
}

std::size_t label_index(Plan& plan, const std::string& label) {
    const auto found = std::ranges::find(plan.labels, label);
    if (found != plan.labels.end()) return static_cast<std::size_t>(found - plan.labels.begin());
    plan.labels.push_back(label);
    return plan.labels.size() - 1;
}

Result<Request> parse_request(Plan& plan, const Value& value) {
    const Object* object = value.as<Object>();
    if (!object) return Error::invalid("a request is an object");
    Request request;
    request.label = label_index(plan, text_of(*object, "label", "all"));
    std::string head = text_of(*object, "method", "GET") + " " + text_of(*object, "path", "/") +
                       " HTTP/1.1\r\nHost: localhost\r\n";
    if (const Value* headers = object->find("headers"); headers && headers->as<Object>())
        for (const auto& [name, text] : *headers->as<Object>())
            if (text.as<std::string>()) head += name + ": " + *text.as<std::string>() + "\r\n";
    request.head = Template(head);
    request.has_body = object->find("body") != nullptr;
    request.body = Template(text_of(*object, "body", ""));
    request.body_bytes = number_of(*object, "body_bytes", 0);
    if (!request.head.has_holes() && !request.body.has_holes()) {
        std::string ready;
        request.append_to(ready, 0, "");
        request.ready = std::move(ready);
    }
    return request;
}

Result<Group> parse_group(Plan& plan, std::string_view line) {
    const Value value = TRY(atproto::json::parse(line));
    const Object* object = value.as<Object>();
    if (!object) return Error::invalid("a group is an object");
    Group group;
    group.connections = number_of(*object, "connections", 1);
    const Value* requests = object->find("requests");
    if (!requests || !requests->as<Array>() || requests->as<Array>()->empty())
        return Error::invalid("a group needs requests");
    for (const Value& request : *requests->as<Array>())
        group.requests.push_back(TRY(parse_request(plan, request)));
    const Value* chain = object->find("chain");
    if (!chain || !chain->as<Object>()) return group;
    group.chain_field = text_of(*chain->as<Object>(), "field", "");
    if (const Value* first = chain->as<Object>()->find("first"); first && first->as<Array>())
        for (const Value& token : *first->as<Array>())
            if (token.as<std::string>()) group.first_tokens.push_back(*token.as<std::string>());
    if (group.first_tokens.size() != group.connections)
        return Error::invalid("a chain needs a first token for each connection");
    return group;
}

}  // namespace

Template::Template(std::string_view text) {
    for (;;) {
        const std::size_t number = text.find(number_mark);
        const std::size_t token = text.find(token_mark);
        const std::size_t end = std::min(number, token);
        const Hole hole = end == std::string_view::npos ? Hole::none
                          : end == number               ? Hole::number
                                                        : Hole::token;
        pieces_.push_back({std::string(text.substr(0, end)), hole});
        if (hole == Hole::none) return;
        text.remove_prefix(end + (hole == Hole::number ? number_mark : token_mark).size());
    }
}

void Template::append_to(std::string& out, std::uint64_t number, std::string_view token) const {
    for (const Piece& piece : pieces_) {
        out += piece.text;
        if (piece.hole == Hole::number) out += std::to_string(number);
        if (piece.hole == Hole::token) out += token;
    }
}

void Request::append_to(std::string& out, std::uint64_t number, std::string_view token) const {
    if (!ready.empty()) {
        out += ready;
        return;
    }
    head.append_to(out, number, token);
    if (has_body) {
        std::string content;
        body.append_to(content, number, token);
        if (content.size() < body_bytes) content.resize(body_bytes, '.');
        out += "Content-Length: " + std::to_string(content.size()) + "\r\n\r\n";
        out += content;
    } else {
        out += "\r\n";
    }
}

Result<Plan> parse_plan(std::string_view lines) {
    Plan plan;
    while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        if (const std::string_view line = lines.substr(0, end); !line.empty())
            plan.groups.push_back(TRY(parse_group(plan, line)));
        if (end == std::string_view::npos) break;
        lines.remove_prefix(end + 1);
    }
    if (plan.groups.empty()) return Error::invalid("the plan is empty");
    return plan;
}

}  // namespace roost::load
