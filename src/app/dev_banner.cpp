#include "app/dev_banner.h"

#include <cstdio>

namespace roost::app {

void print_dev_banner(const Config& config, const Secrets& secrets) {
    const char* url = config.service.public_url.c_str();
    const char* domain = config.identity.handle_domains.front().c_str();
    std::printf(
        "\n"
        "roost is running.\n\n"
        "  server          %s\n"
        "  PLC directory   %s\n"
        "  mail outbox     %s/dev/mail\n"
        "  admin password  %s\n"
        "  data            %s\n\n"
        "Try, in another terminal:\n\n"
        "  # create an account\n"
        "  curl -s %s/xrpc/com.atproto.server.createAccount -H 'content-type: application/json' "
        "\\\n"
        "    -d '{\"handle\":\"alice%s\",\"email\":\"alice@example.com\",\"password\":\"correct "
        "horse battery\"}'\n\n"
        "  # log in\n"
        "  curl -s %s/xrpc/com.atproto.server.createSession -H 'content-type: application/json' "
        "\\\n"
        "    -d '{\"identifier\":\"alice%s\",\"password\":\"correct horse battery\"}'\n\n"
        "  # ask for a password reset, and see its mail\n"
        "  curl -s %s/xrpc/com.atproto.server.requestPasswordReset -H 'content-type: "
        "application/json' \\\n"
        "    -d '{\"email\":\"alice@example.com\"}'; curl -s -H 'accept: application/json' "
        "%s/dev/mail\n\n"
        "Ctrl-C stops it.\n\n",
        url, config.identity.plc_url.c_str(), url, secrets.admin_password.reveal().c_str(),
        config.storage.data_directory.c_str(), url, domain, url, domain, url, url);
    std::fflush(stdout);
}

}  // namespace roost::app
