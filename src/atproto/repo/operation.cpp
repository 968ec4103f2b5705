#include "atproto/repo/operation.h"

#include <array>
#include <ranges>
#include <utility>

#include "atproto/mst/edit.h"

namespace roost::atproto {

namespace {

constexpr std::array<std::pair<Action, std::string_view>, 3> names = {{
    {Action::create, "create"},
    {Action::update, "update"},
    {Action::remove, "delete"},
}};

Error invalid(const Operation& operation, std::string_view why) {
    return Error::invalid("the operation on " + operation.path + ": " + std::string(why),
                          "InvalidOperation");
}

Result<void> check_members(const Operation& operation) {
    if (operation.cid.has_value() != (operation.action != Action::remove))
        return invalid(operation, "a cid belongs to what is created or updated");
    if (operation.prev.has_value() != (operation.action != Action::create))
        return invalid(operation, "a prev belongs to what is updated or deleted");
    return {};
}

}  // namespace

std::string_view action_name(Action action) {
    return names[static_cast<std::size_t>(action)].second;
}

std::optional<Action> parse_action(std::string_view name) {
    for (const auto& [action, its_name] : names)
        if (its_name == name) return action;
    return std::nullopt;
}

Result<Cid> invert(const mst::Tree& after, mst::NodeSource& source,
                   std::span<const Operation> operations) {
    mst::Edit edit(after, 0, mst::Moves::ignored);
    for (const Operation& operation : std::views::reverse(operations)) {
        TRY(check_members(operation));
        const std::optional<Cid> found =
            operation.prev ? TRY(edit.set(source, operation.path, *operation.prev))
                           : TRY(edit.erase(source, operation.path));
                           if (found != operation.cid)
                               return invalid(operation, "the tree has another value at this path");
    }
    const mst::Tree before = TRY(edit.seal(source));
    return before.root();
}

}  // namespace roost::atproto
