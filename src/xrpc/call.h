// One call of a method: who calls, from where, and what the method asks of a caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "atproto/data/value.h"
#include "atproto/syntax/syntax.h"
#include "net/http.h"
#include "pds/accounts/sessions.h"
#include "xrpc/limits.h"
#include "xrpc/rate_limit.h"

namespace roost::xrpc {

// Who calls. Each kind is what a check of the credentials has proved, nothing else makes one.
struct Nobody {};
// An access token of a session that exists.
using User = std::shared_ptr<const pds::Authenticated>;
struct RefreshBearer {
    pds::RefreshClaims claims;  // a genuine refresh token; whether it is still good is asked later
};
struct Admin {};
// The moderation service that this server trusts, by a token it signed for this one call.
struct Moderator {
    atproto::Did did;
};
struct OtherService {
    atproto::Did did;  // signed by the key of this DID's document
};
using Caller = std::variant<Nobody, User, RefreshBearer, Admin, Moderator, OtherService>;

// What a method asks of its caller.
enum class Needs {
    nothing,          // credentials are not looked at
    full_access,      // the account's own password opened the session
    standard_access,  // app passwords too
    refresh_token,
    refresh_token_even_expired,
    admin,
    admin_or_moderator,
    optional_service,  // nobody, or a service token
    // Nobody, an access token of any kind, or the administrator: for what everybody may ask, and
    // some get a fuller answer to.
    optional_access,
    standard_access_or_service,  // a service token names its method ("lxm")
    standard_access_or_moderator,
};
// Whether a session opened on a taken down account will do, for methods that access satisfies.
enum class TakendownCallers { refused, allowed };

// By what a limit counts. `argument` is the member of the input that names whom it protects.
enum class CountBy { address, account, argument_and_address };
// What a call costs, by its input (or parameters), which the lexicon has checked.
using CallCost = std::int64_t (*)(const atproto::Object& input);
struct MethodLimit {
    std::int64_t points;
    std::int64_t window_s;
    CountBy count_by = CountBy::address;
    std::string_view argument = {};
    // A literal. Methods whose limits have the same name draw on the same points; without one, a
    // limit is its method's own.
    std::string_view shared_name = {};
    CallCost cost = [](const atproto::Object&) -> std::int64_t { return 1; };
};

struct Rule {
    Needs needs = Needs::nothing;
    TakendownCallers takendown = TakendownCallers::refused;
    std::vector<MethodLimit> limits = {};
    std::size_t body_bytes_max = limits::json_body_bytes_max;  // after decompression
};

class Call {
  public:
    net::Request& http;
    std::string_view nsid;
    std::uint64_t request_id = 0;  // in each log line that this call writes
    net::IpAddress client;         // behind the proxies that are believed
    Timestamp time;
    Caller caller = Nobody{};

    // For methods whose rule asks for that kind of caller: anything else is a bug, checked.
    const pds::Authenticated& user() const;
    const pds::Account& account() const { return user().account; }
    const pds::RefreshClaims& refresh_claims() const;

    // The account that calls, itself or by a service that shows its token. Null for others.
    const atproto::Did* caller_did() const;
    bool is_by_admin() const { return std::holds_alternative<Admin>(caller); }
};

}  // namespace roost::xrpc
