// The server of this configuration, asked over HTTP as its administrator.
//
// Its address is one that it listens on, on this machine if it listens on all; its password is that
// of the configuration or of the data directory's secrets file. Errors say whether the server runs
// at all (by the lock of its data directory), and what to do.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/config.h"
#include "atproto/data/value.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/http_client.h"

namespace roost::app {

class RunningServer {
  public:
    // Errors: there is no password to show.
    static Result<RunningServer> of(const Config& config);

    // A method that is for everybody refuses credentials which are not a user's.
    enum class As { administrator, nobody };
    using Parameters = std::vector<std::pair<std::string, std::string>>;
    // What it answers; an empty object for a method without output. Errors: what it refused, in its
    // words; it does not answer.
    Result<atproto::Object> query(std::string_view nsid, const Parameters& parameters);
    Result<atproto::Object> call(std::string_view nsid, atproto::Object input,
                                 As as = As::administrator);

  private:
    RunningServer(const Config& config, SecretText password);
    Result<atproto::Object> send(net::ClientRequest request, std::string_view nsid, As as);
    Error unreachable(const Error& error) const;

    const Config& config_;
    SecretText password_;
    std::string url_;  // no slash at the end
};

// http://127.0.0.1:2583, for one.
std::string own_url(const Config& config);

}  // namespace roost::app
