// What endpoints may use: the facades of the business rooms and the facts of this server. Wired
// once in app/house.cpp; everything here outlives the server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "atproto/syntax/syntax.h"
#include "db/database.h"
#include "pds/accounts/emails.h"
#include "pds/accounts/handle_policy.h"
#include "pds/accounts/invites.h"
#include "pds/accounts/key_vault.h"
#include "pds/accounts/lifecycle.h"
#include "pds/accounts/log_in.h"
#include "pds/accounts/passwords.h"
#include "pds/accounts/sessions.h"
#include "pds/accounts/sign_up.h"
#include "pds/blobs/blobs.h"
#include "pds/identity/resolver.h"
#include "pds/repos/repo_imports.h"
#include "pds/repos/repos.h"
#include "pds/sync/firehose.h"

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
};

struct Services {
    db::Database& db;
    const pds::KeyVault& vault;
    const pds::HandlePolicy& handles;
    pds::Resolver& resolver;
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
    ServerFacts facts;
};

}  // namespace roost::api
