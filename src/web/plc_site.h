// The HTTP face of the embedded PLC directory, with the paths of the public one:
// POST /DID · GET /DID, /DID/data, /DID/log, /DID/log/audit, /DID/log/last, /export, /_health.
// https://web.plc.directory/api/redoc
#pragma once

#include "net/http.h"
#include "pds/plc_directory/plc_directory.h"

namespace roost::web {

class PlcSite final : public net::RequestHandler {
  public:
    explicit PlcSite(pds::PlcDirectory& directory) : directory_(directory) {}

    Task<net::Response> handle(net::Request& request) override;
    net::Response error_response(int status, std::string_view name,
                                 std::string_view message) override;

  private:
    Task<net::Response> submit(net::Request& request, atproto::Did did);
    Task<net::Response> read(atproto::Did did, std::string_view what);
    Task<net::Response> export_all(const net::Request& request);

    pds::PlcDirectory& directory_;
};

}  // namespace roost::web
