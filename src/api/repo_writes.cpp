#include "api/repo_writes.h"

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"
#include "pds/accounts/account_store.h"
#include "pds/lexicons/lexicons.h"
#include "pds/lexicons/limits.h"
#include "xrpc/limits.h"

namespace roost::api {

namespace {

Task<Result<void>> check_own_repo(const Services& services, const pds::Account& caller,
                                  std::string repo) {
    if (repo != caller.did.text()) {
        const Result<atproto::Handle> handle = atproto::Handle::parse(repo);
        if (!handle.has_value() || *handle != caller.handle) {
            const auto account = co_await services.db.read(
                [&](db::Transaction& t) -> Result<std::optional<pds::Account>> {
                    return pds::account_store::find_by_did_or_handle(t, repo);
                });
            if (account.has_value() && account->has_value())
                co_return Error::unauthenticated("Authentication Required");
            co_return Error::forbidden("Account not found", "AccountNotFound");
        }
    }
    if (caller.deactivated_at)
        co_return Error::unauthenticated("Account is deactivated", "AccountDeactivated");
    co_return Result<void>();
}

bool writes_record(pds::WriteKind kind) {
    return kind != pds::WriteKind::erase && kind != pds::WriteKind::erase_if_present;
}

// The rules of records that are not of this house. Who demands validation waits for them.
Task<Result<void>> add_foreign_lexicons(const Services& services, pds::WriteRequest& request,
                                        Timestamp time) {
    if (request.validation == pds::Validation::off) co_return Result<void>();
    const std::int64_t deadline_us = monotonic_us() + pds::limits::lexicon_wait_ms_max * 1'000;
    for (const pds::Write& write : request.writes) {
        const bool is_needed = writes_record(write.kind) &&
                               services.lexicons.is_foreign(write.collection) &&
                               !request.foreign_lexicons.contains(write.collection.text());
        if (!is_needed) continue;
        pds::Lexicons::Rules rules;
        if (request.validation == pds::Validation::required) {
            const std::int64_t wait_ms =
                std::max<std::int64_t>(0, (deadline_us - monotonic_us()) / 1'000);
            rules = CO_TRY(co_await services.lexicons.find(write.collection, wait_ms, time));
        } else {
            rules = services.lexicons.remembered(write.collection, time);
        }
        if (rules) request.foreign_lexicons.emplace(write.collection.text(), std::move(rules));
    }
    co_return Result<void>();
}

}  // namespace

// What the reference server allows.
xrpc::Rule write_rule(xrpc::CallCost cost) {
    constexpr std::int64_t hour_s = 60 * 60;
    const xrpc::MethodLimit hour{.points = 5'000,
                                 .window_s = hour_s,
                                 .count_by = xrpc::CountBy::account,
                                 .shared_name = "repo-write-hour",
                                 .cost = cost};
    xrpc::MethodLimit day = hour;
    day.points = 35'000;
    day.window_s = 24 * hour_s;
    day.shared_name = "repo-write-day";
    return {.needs = xrpc::Needs::standard_access,
            .limits = {hour, day},
            .body_bytes_max = xrpc::limits::record_body_bytes_max};
}

Task<Result<pds::Written>> write_own_repo(const Services& services, const xrpc::Call& call,
                                          std::string repo, pds::WriteRequest request) {
    CO_TRY(co_await check_own_repo(services, call.account(), std::move(repo)));
    CO_TRY(co_await add_foreign_lexicons(services, request, call.time));
    co_return co_await services.repos.write(call.account(), std::move(request));
}

pds::Validation validation_of(std::optional<bool> validate) {
    if (!validate) return pds::Validation::when_known;
    return *validate ? pds::Validation::required : pds::Validation::off;
}

Result<atproto::Object> object_of(atproto::Value record) {
    if (atproto::Object* object = std::get_if<atproto::Object>(&record.variant()))
        return std::move(*object);
    return Error::invalid("A record must be an object");
}

Result<std::optional<atproto::Cid>> cid_of(const std::optional<std::string>& text) {
    if (!text) return std::optional<atproto::Cid>();
    return std::optional(TRY(atproto::Cid::parse(*text)));
}

std::optional<lexicon::com::atproto::repo::defs::CommitMeta> commit_view(
    const pds::Written& written) {
    if (!written.commit) return std::nullopt;
    return lexicon::com::atproto::repo::defs::CommitMeta{.cid = written.commit->cid.text(),
                                                         .rev = written.commit->rev};
}

std::optional<std::string> status_view(pds::ValidationStatus status) {
    switch (status) {
        case pds::ValidationStatus::valid:
            return "valid";
        case pds::ValidationStatus::unknown:
            return "unknown";
        case pds::ValidationStatus::not_validated:
            return std::nullopt;
    }
    check(false, "a validation status is one of three");
}

}  // namespace roost::api
