// Views of an account's own records, as an AppView would show them: for answers of an AppView that
// has not seen them yet, or is not there.
//
// Counts are 0, as they are right after a post was made.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/services.h"
#include "atproto/data/value.h"
#include "base/task.h"
#include "pds/repos/recent_records.h"
#include "xrpc/call.h"

namespace roost::api {

class OwnViews {
  public:
    // Of the account that calls. Both outlive it.
    OwnViews(const Services& services, xrpc::Call& call) : services_(services), call_(call) {}

    const atproto::Did& did() const { return call_.account().did; }
    // Whether the DID or handle is the account's.
    bool is_own(std::string_view identifier) const;
    std::string uri(const pds::RecentRecord& post) const;

    // #profileViewBasic, #profileViewDetailed, with what the profile says, if there is one.
    atproto::Object basic_profile(const std::optional<pds::RecentRecord>& profile) const;
    atproto::Object detailed_profile(const std::optional<pds::RecentRecord>& profile) const;
    // Puts what the account's profile record says now into a view of it.
    void update_basic(atproto::Object& view, const atproto::Object& profile) const;
    void update_detailed(atproto::Object& view, const atproto::Object& profile) const;

    // #postView. The AppView is asked for what the post quotes; or nobody is, and it is left out.
    Task<atproto::Object> post(const pds::RecentRecord& post, atproto::Object author);
    atproto::Object plain_post(const pds::RecentRecord& post, atproto::Object author) const;
    // The thread that the AppView shows of the post that another one answers.
    Task<std::optional<atproto::Value>> thread_above(std::string uri, std::string height);
    // Puts posts among those of a feed, the newest first.
    Task<void> insert_into_feed(atproto::Array& feed, std::vector<pds::RecentRecord> posts);

    // The account's profile, as it is now.
    Task<std::optional<pds::RecentRecord>> profile();

  private:
    std::string image_url(std::string_view kind, const atproto::Object& blob) const;
    Task<std::optional<atproto::Value>> embed(const atproto::Object& post);
    std::optional<atproto::Value> media(const atproto::Object& embed) const;
    atproto::Value images(const atproto::Object& embed) const;
    atproto::Value external(const atproto::Object& embed) const;
    Task<atproto::Value> quote(const atproto::Object& embed);
    Task<std::optional<atproto::Value>> quoted(std::string uri);
    // What the AppView answers to a query; nothing if it does not.
    Task<std::optional<atproto::Object>> ask(std::string nsid, std::string query);

    const Services& services_;
    xrpc::Call& call_;
};

}  // namespace roost::api
