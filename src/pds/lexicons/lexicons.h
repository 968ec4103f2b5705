// The rules of records whose lexicons are not of this house, as their authors publish them.
//
// Found in the network when somebody must know them, remembered for a while, and given out as
// immutable values, so that whoever validates holds no lock and asks nobody. Documents of this
// house are never asked for, and nobody else's can take their place. Made once; any Executor's
// thread. https://atproto.com/specs/lexicon#lexicon-publication-and-resolution
#pragma once

#include <cstdint>
#include <memory>

#include "atproto/lexicon/catalog.h"
#include "atproto/syntax/syntax.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http_client.h"
#include "pds/identity/resolver.h"
#include "pds/lexicons/publication.h"
#include "pds/look_up_cache.h"

namespace roost::pds {

class Lexicons {
  public:
    // What a record's rules refer to is in it. It must not outlive the catalog of this house.
    using Rules = std::shared_ptr<const lexicon::Catalog>;

    // Outlives the tasks of its executors: a look-up goes on when nobody waits for it any more.
    Lexicons(net::HttpClient& http, Resolver& resolver, const lexicon::Catalog& house)
        : publications_(http, resolver), house_(house), cache_(cache_options()) {}

    // Whether this house has no document of that name.
    bool is_foreign(const atproto::Nsid& collection) const {
        return house_.document(collection.text()) == nullptr;
    }
    // The rules of records of a foreign collection. Waits at most so long
    // if they are not remembered. Errors: Fault::invalid, "InvalidRequest": they cannot be had, and
    // why.
    Task<Result<Rules>> find(atproto::Nsid collection, std::int64_t wait_ms, Timestamp time);
    // Null if they are not remembered. Asks and waits for nobody, but has what is getting old
    // looked up again.
    Rules remembered(const atproto::Nsid& collection, Timestamp time);

  private:
    using Cache = LookUpCache<Rules>;

    static Cache::Options cache_options();
    Task<void> fly(atproto::Nsid collection, std::shared_ptr<Flight<Rules>> flight, Timestamp time);
    struct Gathered {
        Rules rules;
        std::size_t bytes;
    };
    Task<Result<Gathered>> gather(atproto::Nsid collection);

    Publications publications_;
    const lexicon::Catalog& house_;
    Cache cache_;
};

}  // namespace roost::pds
