#include "api/admin_act.h"

#include "base/check.h"
#include "base/log.h"

namespace roost::api {

std::string actor_of(const xrpc::Call& call) {
    if (const auto* moderator = std::get_if<xrpc::Moderator>(&call.caller))
        return "moderator " + moderator->did.text();
    check(call.is_by_admin(), "the rule of this method asks for an administrator");
    return "admin from " + call.client.text();
}

Task<void> note_refusal(const Services& services, pds::AdminAct act, std::string error_name) {
    const Result<void> noted = co_await services.db.write(
        [act = std::move(act), name = std::move(error_name)](db::Transaction& t) -> Result<void> {
            pds::audit_log::append_refused(t, act, name);
            return {};
        });
    // The caller has been refused already; a full disk is told in many other places.
    if (!noted.has_value())
        log::warn("a refused act of an administrator is not in the audit log",
                  {{"reason", noted.error().message}});
}

}  // namespace roost::api
