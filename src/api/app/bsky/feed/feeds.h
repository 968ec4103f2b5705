// What the views of several posts have in common.
#pragma once

#include "api/app/bsky/own_views.h"
#include "atproto/data/value.h"
#include "pds/repos/recent_records.h"

namespace roost::api {

// The items of the answer's feed; empty if it has none.
atproto::Array feed_of(const atproto::Object& answer);
// Shows the account's new name and picture at its posts in the feed, if there are any.
void update_authors(const OwnViews& views, atproto::Array& feed,
                    const std::optional<pds::RecentRecord>& profile);

}  // namespace roost::api
