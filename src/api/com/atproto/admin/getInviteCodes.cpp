#include "lexicon/com/atproto/admin/getInviteCodes.h"
#include "api/endpoint.h"
#include "api/endpoints.h"

#include "api/invite_view.h"

namespace roost::api {

namespace lex = lexicon::com::atproto::admin::getInviteCodes;

namespace {

Task<Result<lex::Output>> answer(const Services& services, xrpc::Call&, lex::Params params) {
    using pds::invites::Order;
    if (params.sort != "recent" && params.sort != "usage")
        co_return Error::invalid("unknown sort method: " + params.sort);
    const Order order = params.sort == "usage" ? Order::usage : Order::recent;
    const pds::invites::Page page = CO_TRY(co_await services.db.read([&](db::Transaction& t) {
        return pds::invites::list(t, order, params.limit, params.cursor);
    }));
    lex::Output output{.cursor = page.cursor, .codes = {}};
    for (const pds::invites::Code& code : page.codes)
        output.codes.push_back(invite_view(code));
    co_return output;
}

}  // namespace

void admin::add_getInviteCodes(xrpc::Router& router, const Services& services) {
    router.add<lex::Method>({.needs = xrpc::Needs::admin_or_moderator},
                            with_services(services, answer));
}

}  // namespace roost::api
