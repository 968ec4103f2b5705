// What the tests of the business rooms share: a database with the real schema, accounts in it, and
// questions to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "atproto/data/cbor.h"
#include "atproto/data/value.h"
#include "atproto/repo/commit.h"
#include "base/random.h"
#include "base/run_loop.h"
#include "db/testing.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/key_store.h"
#include "pds/accounts/key_vault.h"
#include "pds/accounts/session_cache.h"
#include "pds/repos/repo_store.h"

namespace roost::pds::testing {

inline atproto::Did did_of(std::string_view text) {
    auto did = atproto::Did::parse(text);
    check(did.has_value(), "a test's DID is valid");
    return *std::move(did);
}
inline atproto::Handle handle_of(std::string_view text) {
    auto handle = atproto::Handle::parse(text);
    check(handle.has_value(), "a test's handle is valid");
    return *std::move(handle);
}

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<Result<T>> = true;

// "" for a success, else the error's name: what most tests compare.
template <class T>
std::string name_of(const Result<T>& result) {
    return result.has_value() ? "" : result.error().name;
}

// A value of a Result that must have one; the test ends with its message otherwise.
template <class T>
T must(Result<T> result) {
    check(result.has_value(), result.has_value() ? "" : result.error().message);
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

struct Event {
    std::int64_t seq;
    std::string did;
    std::string kind;
    atproto::Object body;
};

// A temporary database with the compiled-in migrations, and the loop that tests run tasks on.
class TestDatabase {
    // How a body's answer travels through a transaction; used below, so it stands first.
    template <class F, class Open>
    auto run(F body, Open open) {
        using Answer = std::invoke_result_t<F&, db::Transaction&>;
        if constexpr (is_result<Answer>) {
            return loop.run(open(std::move(body)));
        } else if constexpr (std::is_void_v<Answer>) {
            const auto wrapped = [&body](db::Transaction& t) -> Result<bool> {
                body(t);
                return true;
            };
            must(loop.run(open(wrapped)));
        } else {
            const auto wrapped = [&body](db::Transaction& t) -> Result<Answer> {
                return Result<Answer>(body(t));
            };
            return must(loop.run(open(wrapped)));
        }
    }

  public:
    TestDatabase() : vault(SecretBytes(random_bytes(32))) {
        db::Options options;
        options.path = folder_.file();
        options.checkpoints = false;
        options.watched_tables = watched_tables();
        db_ = must(db::Database::open(options));
    }

    db::Database& db() { return *db_; }

    // The body's answer: a Result as it is, anything else as a value. Nothing is kept of a body
    // that returns an error.
    template <class F>
    auto write(F body) {
        return run(std::move(body),
                   [this](auto wrapped) { return db_->write(std::move(wrapped)); });
    }
    template <class F>
    auto read(F body) {
        return run(std::move(body), [this](auto wrapped) { return db_->read(std::move(wrapped)); });
    }

    std::int64_t count(db::Sql sql) {
        return read([sql](db::Transaction& t) {
            db::Rows rows = t.select(sql);
            check(rows.next(), "a count has a row");
            return rows.integer(0);
        });
    }
    void execute(db::Sql sql) {
        write([sql](db::Transaction& t) { t.execute(sql); });
    }

    // A whole account as a sign-up leaves it, but without events and sessions.
    Account add_account(std::string_view handle, std::string_view did = "",
                        std::optional<std::string> password_hash = "no hash") {
        const account_store::NewAccount fields{
            .did = did.empty() ? next_did() : did_of(did),
            .handle = handle_of(handle),
            .email = std::string(handle.substr(0, handle.find('.'))) + "@example.org",
            .password_hash = std::move(password_hash),
        };
        return write([&](db::Transaction& t) {
            const Timestamp time = now();
            const std::int64_t id = account_store::insert(t, fields, time);
            const auto key = atproto::PrivateKey::generate(atproto::Curve::k256);
            key_store::insert(t, id, key, vault);
            repo_store::insert(
                t, id, atproto::create_empty_repo(fields.did, key, atproto::Tid::from(time, 1)));
            return *account_store::find_by_id(t, id);
        });
    }
    std::optional<Account> account(std::int64_t id) {
        return read([id](db::Transaction& t) { return account_store::find_by_id(t, id); });
    }

    std::vector<Event> events() {
        return read([](db::Transaction& t) {
            std::vector<Event> found;
            db::Rows rows = t.select("SELECT seq, did, kind, body FROM event ORDER BY seq");
            while (rows.next()) {
                const atproto::Value body = must(atproto::cbor::decode(rows.bytes(3)));
                found.push_back({rows.integer(0), std::string(rows.text(1)),
                                 std::string(rows.text(2)), *body.as<atproto::Object>()});
            }
            return found;
        });
    }

    RunLoop loop;
    KeyVault vault;

  private:
    atproto::Did next_did() {
        std::string text = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
        for (int i = 0, rest = ++accounts_; i < 6; ++i, rest /= 26)
            text[text.size() - 1 - static_cast<std::size_t>(i)] =
                static_cast<char>('a' + rest % 26);
        return did_of(text);
    }

    db::testing::TempFolder folder_;
    std::unique_ptr<db::Database> db_;
    int accounts_ = 0;
};

}  // namespace roost::pds::testing
