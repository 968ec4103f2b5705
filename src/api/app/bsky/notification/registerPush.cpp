#include "api/endpoints.h"

#include "api/app/bsky/notification/push.h"

namespace roost::api {

void bsky::add_registerPush(xrpc::Router& router, const Services& services) {
    add_push_method(router, services, "app.bsky.notification.registerPush");
}

}  // namespace roost::api
