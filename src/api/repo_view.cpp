#include "api/repo_view.h"

#include "atproto/mst/tree.h"
#include "atproto/repo/car.h"
#include "base/check.h"
#include "pds/accounts/account_store.h"

namespace roost::api {

Task<Result<pds::repo_store::Head>> find_repo(const Services& services, atproto::Did did) {
    co_return co_await services.db.read([&](db::Transaction& t) -> Result<pds::repo_store::Head> {
        const std::optional<pds::Account> account = pds::account_store::find_by_did(t, did);
        if (!account)
            return Error::invalid("Could not find repo for DID: " + did.text(), "RepoNotFound");
        switch (account->status()) {
            case pds::AccountStatus::active:
                break;
            case pds::AccountStatus::deactivated:
                return Error::invalid("Repo has been deactivated: " + did.text(),
                                      "RepoDeactivated");
            case pds::AccountStatus::takendown:
                return Error::invalid("Repo has been takendown: " + did.text(), "RepoTakendown");
        }
        std::optional<pds::repo_store::Head> head = pds::repo_store::find_head(t, account->id);
        check(head.has_value(), "an account has a repository");
        return *std::move(head);
    });
}

Bytes car_of(const pds::repo_store::Head& head) {
    // Repositories hold no records yet, so the tree is the empty one.
    atproto::Blocks blocks{{head.commit_cid, head.commit_block}};
    const Result<atproto::mst::Tree> tree = atproto::mst::build_tree({});
    check(tree.has_value(), "the empty tree can be built");
    blocks.insert(blocks.end(), tree->nodes.begin(), tree->nodes.end());
    return atproto::write_car(head.commit_cid, blocks);
}

}  // namespace roost::api
