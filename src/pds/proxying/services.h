// The other servers that methods are forwarded to: those that the operator named, and those that a
// client names by the DID and the name of a service, "did:web:api.example#bsky_appview".
//
// Made once; any thread. https://atproto.com/specs/xrpc#service-proxying
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http_client.h"
#include "pds/identity/resolver.h"

namespace roost::pds {

struct RemoteService {
    std::string did;
    std::string name;    // what stands behind '#'
    std::string origin;  // "https://api.example", no slash at the end
    net::AddressPolicy policy;
};

class RemoteServices {
  public:
    struct Options {
        // What the operator named, if anything. The names of the services are the protocol's own.
        std::optional<RemoteService> app_view;
        std::optional<RemoteService> moderation;
        std::optional<RemoteService> report;
    };
    RemoteServices(Resolver& resolver, Options options)
        : resolver_(resolver), options_(std::move(options)) {}

    const std::optional<RemoteService>& app_view() const { return options_.app_view; }

    // Who answers a method that is not served here, unless a client says otherwise. Null: nobody.
    const RemoteService* for_method(std::string_view nsid) const;

    // The service that a client names. Errors, all Fault::invalid: it is malformed, or its DID
    // document cannot be had or has no such service.
    Task<Result<RemoteService>> named(std::string_view reference, Timestamp time);
    // The one of this DID that sends notifications. Errors: Fault::invalid, as above.
    Task<Result<RemoteService>> notifications_of(std::string_view did, Timestamp time);

  private:
    // Errors: Fault::invalid. Of that type, unless it is empty.
    Task<Result<RemoteService>> find(std::string_view did, std::string_view name,
                                     std::string_view type, Timestamp time);

    Resolver& resolver_;
    const Options options_;
};

}  // namespace roost::pds
