// The operator's tool: verbs that look after accounts, invite codes, repositories, relays and mail.
//
// What only reads, reads the database file, beside a running server or without one; what changes
// something asks the running server as its administrator, so it goes the same way as every other
// change and is in the audit log (docs/decisions/0023). A verb is a function that gets a Verb and
// returns the exit status, or an error that says what to do next.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "base/run_loop.h"
#include "db/database.h"
#include "pds/account.h"

namespace CLI {
class App;
}

namespace roost::app {

// A person at the program, if there is one.
struct Person {
    std::istream* answers = nullptr;  // what they type; null: nobody can be asked
    bool watches = false;             // errors go to their screen: progress is shown there
};

enum class Format { table, json };

struct Verb {
    const Config& config;
    Format format;
    bool is_confirmed;  // --yes
    Person person;
    std::ostream& out;
    std::ostream& err;
};
using RunVerb = std::function<Result<int>(Verb&)>;

// What was chosen on the command line.
struct ChosenVerb {
    RunVerb run;
    bool wants_json = false;
    bool is_confirmed = false;
    std::vector<CLI::App*> verbs;  // all there are, for the settings' flags
};

// Adds "roost NOUN NAME" with --json.
enum class Confirmation { not_asked, asked };
CLI::App& add_verb(CLI::App& noun, ChosenVerb& chosen, const char* name, const char* meaning,
                   Confirmation confirmation, RunVerb run);

// Nouns, each in a file of its own.
void add_account_verbs(CLI::App& program, ChosenVerb& chosen);
void add_audit_verb(CLI::App& program, ChosenVerb& chosen);
void add_crawl_verb(CLI::App& program, ChosenVerb& chosen);
void add_invite_verbs(CLI::App& program, ChosenVerb& chosen);
void add_mail_verbs(CLI::App& program, ChosenVerb& chosen);
void add_repo_verbs(CLI::App& program, ChosenVerb& chosen);

// Asks whether to go on, unless --yes was said. Errors: the answer was no, or nobody can be asked.
Result<void> confirm(const Verb& verb, std::string_view question);

// The server's database, to be read. Errors say where it was looked for.
Result<std::unique_ptr<db::Database>> open_stored(const Config& config);

// Runs one read on it.
template <class F>
auto read_stored(db::Database& db, F body) {
    return RunLoop().run(db.read(std::move(body)));
}

// By DID, handle or e-mail address. Errors: there is no such account.
Result<pds::Account> find_stored(db::Transaction& t, const std::string& name);

}  // namespace roost::app
