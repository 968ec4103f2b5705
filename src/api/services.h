// What endpoints may use: the facades of the business rooms and the facts of this server. Wired
// once in app/house.cpp; everything here outlives the server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "atproto/syntax/syntax.h"
#include "db/database.h"
#include "pds/accounts/invites.h"

// An endpoint includes the facades that it uses.
namespace roost::pds {
class AccountCache;
class Blobs;
class Emails;
class Firehose;
class HandleChanges;
class HandlePolicy;
class Identities;
class KeyVault;
class Lexicons;
class Lifecycle;
class LogIn;
class Passwords;
class PlcOperations;
class RepoImports;
class Repos;
class Resolver;
class Sessions;
class SignUp;
class SigningKeyChanges;
}  // namespace roost::pds
namespace roost::xrpc {
class Proxy;
}

namespace roost::api {

enum class DidDocInSession { no, yes };

struct ServerFacts {
    atproto::Did did;
    std::string hostname;
    pds::InvitePolicy invites;
    std::optional<pds::invites::Earning> invite_earning;
    std::int64_t blob_upload_limit;
    std::optional<std::string> privacy_policy_url;
    std::optional<std::string> terms_of_service_url;
    std::optional<std::string> contact_email;
    DidDocInSession did_doc_in_session;
    // Where an AppView shows images: kind, DID and CID stand for its three "%s".
    std::optional<std::string> image_url_pattern = std::nullopt;
};

struct Services {
    db::Database& db;
    pds::AccountCache& accounts;
    const pds::KeyVault& vault;
    const pds::HandlePolicy& handles;
    pds::Resolver& resolver;
    pds::Lexicons& lexicons;
    pds::Sessions& sessions;
    pds::SignUp& sign_up;
    pds::LogIn& log_in;
    pds::Passwords& passwords;
    pds::Emails& emails;
    pds::Lifecycle& lifecycle;
    pds::Repos& repos;
    pds::RepoImports& imports;
    pds::Blobs& blobs;
    pds::Firehose& firehose;
    xrpc::Proxy& proxy;
    pds::Identities& identities;
    pds::HandleChanges& handle_changes;
    pds::PlcOperations& plc_operations;
    pds::SigningKeyChanges& signing_key_changes;
    ServerFacts facts;
};

}  // namespace roost::api
