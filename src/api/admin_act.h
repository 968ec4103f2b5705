// Methods by which an administrator changes something. Each is in the audit log, however it ends
// (pds/audit/audit_log.h): a method's function cannot answer without the proof that its act is in
// the log, and what it refuses is written down here.
//
// Methods that only read are queries, and have no entry.
#pragma once

#include <string>

#include "api/endpoint.h"
#include "pds/audit/audit_log.h"

namespace roost::api {

// What a method's function returns.
template <class Output>
struct Done {
    pds::Audited proof;
    Output output = {};
};
template <class Method>
using AdminAnswer = Task<Result<Done<typename Method::Output>>>;

// The subject of most: the account.
template <class Input>
std::string did_of(const Input& input) {
    return input.did.text();
}

// Who calls by administrator's credentials, as the log names them.
std::string actor_of(const xrpc::Call& call);

// Writes down what was refused.
Task<void> note_refusal(const Services& services, pds::AdminAct act, std::string error_name);

template <class Method>
Task<Result<typename Method::Output>> run_admin_act(
    const Services& services, xrpc::Call& call, typename Method::Input input, std::string subject,
    AdminAnswer<Method> (*function)(const Services&, xrpc::Call&, typename Method::Input,
                                    pds::AdminAct)) {
    const pds::AdminAct act{.actor = actor_of(call),
                            .method = std::string(Method::nsid),
                            .subject = std::move(subject),
                            .time = call.time};
    Result<Done<typename Method::Output>> done =
        co_await function(services, call, std::move(input), act);
    if (done.has_value()) co_return std::move(done->output);
    co_await note_refusal(services, act, done.error().name);
    co_return std::move(done).error();
}

// Adds a procedure of administrators. `subject_of` names what the input is about.
template <class Method>
void add_admin_act(xrpc::Router& router, const Services& services, xrpc::Needs needs,
                   std::string (*subject_of)(const typename Method::Input&),
                   AdminAnswer<Method> (*function)(const Services&, xrpc::Call&,
                                                   typename Method::Input, pds::AdminAct)) {
    static_assert(Method::kind == lexicon::Kind::procedure);
    router.add<Method>({.needs = needs}, [&services, subject_of, function](
                                             xrpc::Call& call, typename Method::Input input) {
        std::string subject = subject_of(input);
        return run_admin_act<Method>(services, call, std::move(input), std::move(subject),
                                     function);
    });
}

}  // namespace roost::api
