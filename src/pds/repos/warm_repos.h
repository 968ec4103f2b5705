// The repositories that were used last, each at its newest commit, so that the next is made without
// reading anything.
//
// A writer puts the state after its commit here before the commit is durable, and the next writer
// builds on it: many commits of one repository can be on their way in one batch of the database.
// The database takes them in order, each only if the one before it was taken. A writer whose commit
// fails calls forget(): whoever built on it fails too, and all begin again from what is stored (see
// write_lanes.h). So no state outlives a failed transaction.
//
// Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "pds/repos/repo_state.h"

namespace roost::pds {

class WarmRepos {
  public:
    using State = std::shared_ptr<const RepoState>;

    State find(std::int64_t account_id);  // null if it is cold
    void put(std::int64_t account_id, State state);
    void forget(std::int64_t account_id);

  private:
    struct Entry {
        std::int64_t account_id;
        State state;
    };
    struct Shard {
        std::mutex mutex;
        std::list<Entry> entries;  // the one used last comes first
        std::unordered_map<std::int64_t, std::list<Entry>::iterator> by_account;
    };
    Shard& shard(std::int64_t account_id) {
        return shards_[static_cast<std::size_t>(account_id) % shards_.size()];
    }

    std::array<Shard, 16> shards_;
};

}  // namespace roost::pds
