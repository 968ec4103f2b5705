#include "api/repo_view.h"

#include <utility>

#include "base/check.h"
#include "base/executor.h"
#include "pds/accounts/account_store.h"
#include "pds/limits.h"

namespace roost::api {

namespace {

// Its loop makes a piece in half a millisecond; smaller ones wake the client more often.
constexpr std::size_t export_piece_bytes = 128 * 1024;

// Owns the export, and lets go of it after a while even if the client reads no more.
class ExportSource final : public net::BodySource {
  public:
    ExportSource(std::unique_ptr<pds::RepoExport> repo_export, Bytes first)
        : export_(std::make_shared<Held>(std::move(repo_export))), piece_(std::move(first)) {
        Executor::current().post_after(pds::limits::export_ms_max, [held = std::weak_ptr(export_)] {
            if (const auto still = held.lock()) still->reset();
        });
    }

    Task<Result<std::string_view>> next() override {
        if (std::exchange(is_first_, false)) co_return as_text(piece_);
        piece_.clear();
        if (is_over_) co_return std::string_view();
        if (*export_ == nullptr) co_return Error::unavailable("The export took too long", 60);
        is_over_ = !CO_TRY((*export_)->append_to(piece_, export_piece_bytes));
        if (is_over_) export_->reset();  // the snapshot ends here, not when the client has read all
        co_return as_text(piece_);
    }

  private:
    using Held = std::unique_ptr<pds::RepoExport>;
    std::shared_ptr<Held> export_;
    Bytes piece_;
    bool is_first_ = true;
    bool is_over_ = false;
};

Result<void> check_open(const pds::Account& account) {
    switch (account.status()) {
        case pds::AccountStatus::active:
            return {};
        case pds::AccountStatus::deactivated:
            return Error::invalid("Repo has been deactivated: " + account.did.text(),
                                  "RepoDeactivated");
        case pds::AccountStatus::takendown:
            return Error::invalid("Repo has been takendown: " + account.did.text(),
                                  "RepoTakendown");
    }
    check(false, "an account has one of three statuses");
}

}  // namespace

xrpc::Rule repo_rule(xrpc::TakendownCallers takendown) {
    return {.needs = xrpc::Needs::optional_access, .takendown = takendown};
}

Task<Result<pds::Account>> find_open_repo(const Services& services, const xrpc::Call& call,
                                          std::string identifier) {
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<pds::Account> {
        std::optional<pds::Account> account =
            pds::account_store::find_by_did_or_handle(t, identifier);
        if (!account)
            return Error::invalid("Could not find repo for DID: " + identifier, "RepoNotFound");
        const atproto::Did* caller = call.caller_did();
        const bool is_own = caller != nullptr && *caller == account->did;
        if (!is_own && !call.is_by_admin()) TRY(check_open(*account));
        return *std::move(account);
    });
}

Task<Result<pds::repo_store::Head>> find_head(const Services& services, const xrpc::Call& call,
                                              std::string identifier) {
    const pds::Account account =
        CO_TRY(co_await find_open_repo(services, call, std::move(identifier)));
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<pds::repo_store::Head> {
        std::optional<pds::repo_store::Head> head = pds::repo_store::find_head(t, account.id);
        if (!head)
            return Error::invalid("Could not find repo for DID: " + account.did.text(),
                                  "RepoNotFound");
        return *std::move(head);
    });
}

Task<Result<net::Response>> export_repo(const Services& services, const pds::Account& account,
                                        const pds::ExportPart& part) {
    std::unique_ptr<pds::RepoExport> repo_export =
        CO_TRY(pds::RepoExport::open(services.db, account, part));
    Bytes first;
    const bool has_more = CO_TRY(repo_export->append_to(first, export_piece_bytes));
    net::Response response;
    response.content_type = car_content_type;
    if (has_more)
        response.source = std::make_unique<ExportSource>(std::move(repo_export), std::move(first));
    else
        response.body = as_text(first);
    co_return response;
}

}  // namespace roost::api
