// Everything that the main listener answers: XRPC by way of its router, and the few pages beside
// it.
//
// Paths: /xrpc/… · /xrpc/_health · / · /robots.txt · /.well-known/atproto-did and
// /.well-known/did.json (by the Host header) · /dev/mail in dev mode. Every answer but the outbox's
// may be read by pages of any origin (CORS), as the protocol's browser clients need.
#pragma once

#include <string>

#include "db/database.h"
#include "net/http.h"
#include "pds/accounts/handle_policy.h"
#include "pds/mail/mail_queue.h"
#include "xrpc/router.h"

namespace roost::web {

enum class DevPages { off, on };

class Site final : public net::RequestHandler {
  public:
    struct Options {
        std::string version;
        std::string service_did;
        std::string public_url;
        DevPages dev_pages = DevPages::off;
    };
    Site(xrpc::Router& router, db::Database& db, const pds::HandlePolicy& handles,
         pds::mail::MailQueue& mail, Options options)
        : router_(router), db_(db), handles_(handles), mail_(mail), options_(std::move(options)) {}

    Task<net::Response> handle(net::Request& request) override;
    net::Response error_response(int status, std::string_view name,
                                 std::string_view message) override;

  private:
    // What is not a call.
    Task<net::Response> page(net::Request& request);
    Task<net::Response> health();
    Task<net::Response> atproto_did(const net::Request& request);
    net::Response did_document(const net::Request& request) const;
    Task<net::Response> dev_mail(const net::Request& request);

    xrpc::Router& router_;
    db::Database& db_;
    const pds::HandlePolicy& handles_;
    pds::mail::MailQueue& mail_;
    Options options_;
};

}  // namespace roost::web
