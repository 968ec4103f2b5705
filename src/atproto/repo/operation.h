// What a commit does to one record of a repository, as the #commit event tells it.
// https://atproto.com/specs/sync#commit-events
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "atproto/data/cid.h"
#include "atproto/mst/tree.h"
#include "base/result.h"

namespace roost::atproto {

enum class Action { create, update, remove };

std::string_view action_name(Action action);  // "create", "update", "delete"
std::optional<Action> parse_action(std::string_view name);

struct Operation {
    Action action;
    std::string path;         // "collection/rkey"
    std::optional<Cid> cid;   // the record that is there now: none if removed
    std::optional<Cid> prev;  // the record that was there before: none if created

    friend bool operator==(const Operation&, const Operation&) = default;
};

// The root of the tree before the operations, found by undoing them in reverse order. The source
// may hold only the blocks of the commit's event: Tree::covering_proof() gives enough.
// Errors: those of loading; Fault::invalid, "InvalidOperation", if the tree is not what the
// operations would leave behind.
Result<Cid> invert(const mst::Tree& after, mst::NodeSource& source,
                   std::span<const Operation> operations);

}  // namespace roost::atproto
