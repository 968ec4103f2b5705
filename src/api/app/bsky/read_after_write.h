// An account sees what it has written at once, also where its AppView has not seen it yet: the
// AppView says up to which revision it knows the account's repository, and what was written since
// is put into its answer.
//
// If nobody answers, views that the account's own repository can give are given from there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/app/bsky/own_views.h"
#include "api/services.h"
#include "atproto/data/value.h"
#include "base/task.h"
#include "pds/repos/recent_records.h"
#include "xrpc/proxy.h"
#include "xrpc/router.h"

namespace roost::api {

// What an endpoint has to work with; all of it outlives its functions' tasks.
struct ReadAfterWrite {
    const Services& services;
    xrpc::Call& call;
    OwnViews views;

    // The first value of a parameter, decoded; none if it is absent.
    std::optional<std::string> parameter(std::string_view name) const;
};

// Puts what was written since into the answer.
using PatchView = Task<void> (*)(ReadAfterWrite& context, atproto::Object& answer,
                                 const pds::RecentRecords& recent);
// The view from this server alone; nothing if it cannot give one.
using OwnView = Task<std::optional<atproto::Object>> (*)(ReadAfterWrite& context);
// The view in the place of "NotFound", from what was written since; nothing if it is not among
// that.
using FindView = Task<std::optional<atproto::Object>> (*)(ReadAfterWrite& context,
                                                          const pds::RecentRecords& recent);

struct ViewRules {
    PatchView patch;
    OwnView without_app_view = nullptr;
    FindView instead_of_not_found = nullptr;
};
void add_view(xrpc::Router& router, const Services& services, std::string_view nsid,
              ViewRules rules);

}  // namespace roost::api
