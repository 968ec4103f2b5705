// DID documents that were looked up before, and the look-ups that are under way.
//
// In memory and bounded; any thread. Nothing here asks the network: a Flight is one look-up that
// many tasks wait for, each on its own executor; who is told to fly looks it up and lands.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "atproto/plc/did_document.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"

namespace roost::pds {

// What a look-up gives: nothing if there is no such DID.
using FoundDocument = Result<std::optional<atproto::DidDocument>>;

// One look-up, for everybody who asks meanwhile.
class Flight {
  public:
    // co_await flight->landing(): suspends until the answer is there. A task may be destroyed while
    // it waits.
    class Landing;
    Landing landing();

    // Once. Wakes everybody who waits.
    void land(FoundDocument answer);

  private:
    // Touched on the thread of its executor only.
    struct Waiter {
        std::coroutine_handle<> task;
        Executor* executor;
    };

    std::mutex mutex_;  // guards both
    std::optional<FoundDocument> answer_;
    std::vector<std::shared_ptr<Waiter>> waiting_;
};

class Flight::Landing {
  public:
    explicit Landing(Flight& flight) : flight_(flight) {}
    Landing(const Landing&) = delete;
    Landing& operator=(const Landing&) = delete;
    ~Landing() {
        if (waiter_) waiter_->task = nullptr;
    }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> task);
    FoundDocument await_resume();

  private:
    Flight& flight_;  // whoever awaits holds it
    std::shared_ptr<Waiter> waiter_;
};

class DidCache {
  public:
    // Ages of an answer: from the first it is looked up again while it is still given out, from the
    // second it is not given out.
    struct Ages {
        std::int64_t stale_ms;
        std::int64_t max_ms;
    };
    explicit DidCache(Ages ages) : ages_(ages) {}

    struct Answer {
        std::optional<FoundDocument> remembered;
        std::shared_ptr<Flight> flight;  // to wait for, if nothing is remembered
        // The caller must look the document up, store() what it finds, end the flight and land it.
        bool must_fly = false;
    };
    Answer ask(const atproto::Did& did, Timestamp now);

    // What a look-up found. That there is no document, or a failure, is kept for a moment only
    // (limits::did_retry_ms); a failure does not replace a document that is not too old.
    void store(const atproto::Did& did, const FoundDocument& found, Timestamp now);
    // Whoever asks from here on does not wait for it.
    void end_flight(const atproto::Did& did);

    std::size_t size() const;

  private:
    struct Entry {
        atproto::Did did;
        FoundDocument found;
        Timestamp found_at;
        Timestamp ask_again_at;
    };
    using Entries = std::list<Entry>;  // the last used first

    bool is_too_old(const Entry& entry, Timestamp now) const;

    const Ages ages_;
    mutable std::mutex mutex_;  // guards what follows
    Entries entries_;
    std::unordered_map<std::string, Entries::iterator> by_did_;
    std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
};

}  // namespace roost::pds
