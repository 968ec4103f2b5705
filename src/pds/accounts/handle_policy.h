// Which handles this server gives out.
//
// Below a service domain: one label of 3 to 18 characters, not reserved. Anything else is the
// owner's own domain, and counts only once it resolves to the account's DID (identity/).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "atproto/syntax/syntax.h"
#include "base/result.h"

namespace roost::pds {

// The first label of a handle below a service domain, as the reference server has it.
inline constexpr std::size_t service_label_size_min = 3;
inline constexpr std::size_t service_label_size_max = 18;

enum class PunycodeHandles { allowed, refused };
// Whether labels that are reserved may be given: administrators may.
enum class ReservedLabels { allowed, refused };

class HandlePolicy {
  public:
    // Each domain starts with a dot.
    HandlePolicy(std::vector<std::string> service_domains, PunycodeHandles punycode)
        : service_domains_(std::move(service_domains)), punycode_(punycode) {}

    const std::vector<std::string>& service_domains() const { return service_domains_; }

    // Syntax, top-level domain, policy; normalised. Errors: InvalidHandle.
    Result<atproto::Handle> normalize(std::string_view text) const;
    bool is_on_service_domain(const atproto::Handle& handle) const;
    // The same, or a service domain itself: nobody else knows more of such a name than we do.
    bool is_ours(const atproto::Handle& handle) const;
    // Errors: InvalidHandle, HandleNotAvailable (reserved), UnsupportedDomain.
    Result<void> check_service_handle(const atproto::Handle& handle,
                                      ReservedLabels reserved = ReservedLabels::refused) const;

  private:
    std::vector<std::string> service_domains_;
    PunycodeHandles punycode_;
};

// Labels that would let their holder pose as the server or its staff, or that a later feature of
// the host name may need.
bool is_reserved_label(std::string_view label);

}  // namespace roost::pds
