// roost account create|list|show|takedown|delete|reset-password
#include <CLI/CLI.hpp>
#include <ostream>

#include "app/verbs/running_server.h"
#include "app/verbs/table.h"
#include "app/verbs/verb.h"
#include "atproto/data/json.h"
#include "base/encoding.h"
#include "base/random.h"
#include "pds/accounts/account_search.h"
#include "pds/accounts/invites.h"
#include "pds/blobs/blob_store.h"
#include "pds/repos/repo_store.h"

namespace roost::app {

namespace {

using atproto::Object;
using atproto::Value;

// 80 bits that a person can read out and type.
SecretText new_password() {
    const std::string letters = base32_encode(random_bytes(10));
    return SecretText(letters.substr(0, 4) + "-" + letters.substr(4, 4) + "-" +
                      letters.substr(8, 4) + "-" + letters.substr(12, 4));
}

std::string status_of(const pds::Account& account) {
    return pds::status_text(account.status()).value_or("active");
}

Value optional_text(const std::optional<std::string>& text) {
    return text ? Value(*text) : Value(nullptr);
}
Value optional_time(const std::optional<Timestamp>& time) {
    return time ? Value(to_iso8601(*time)) : Value(nullptr);
}

Object json_of(const pds::Account& account) {
    return {{"did", account.did.text()},
            {"handle", account.handle.text()},
            {"email", optional_text(account.email)},
            {"status", status_of(account)},
            {"createdAt", to_iso8601(account.created_at)}};
}

Result<pds::Account> find_account(const Config& config, const std::string& name) {
    const auto db = TRY(open_stored(config));
    return read_stored(*db, [&](db::Transaction& t) { return find_stored(t, name); });
}

// ---- list

struct ListOptions {
    std::string email;
    std::string after;
    std::int64_t limit = 100;
};

Result<int> list(Verb& verb, const ListOptions& options) {
    const auto db = TRY(open_stored(verb.config));
    const std::optional<std::string> after =
        options.after.empty() ? std::nullopt : std::optional(options.after);
    const auto page = TRY(read_stored(*db, [&](db::Transaction& t) {
        return pds::account_search::by_email(t, options.email, after, options.limit);
    }));
    if (verb.format == Format::json) {
        atproto::Array accounts;
        for (const pds::Account& account : page.accounts)
            accounts.push_back(json_of(account));
        verb.out << atproto::json::write(Object{{"accounts", std::move(accounts)},
                                                {"cursor", optional_text(page.cursor)}})
                 << "\n";
        return 0;
    }
    Table table({"handle", "did", "e-mail", "status", "created (UTC)"});
    for (const pds::Account& account : page.accounts)
        table.add({account.handle.text(), account.did.text(), account.email.value_or(""),
                   status_of(account), minute_of(to_iso8601(account.created_at))});
    verb.out << table.text();
    if (page.cursor) verb.out << "\nThere may be more: --after " << *page.cursor << "\n";
    return 0;
}

// ---- show

struct Details {
    pds::Account account;
    std::optional<pds::repo_store::StoredRepo> repo;
    pds::blob_store::Usage blobs;
    std::optional<pds::invites::Code> came_by;
    std::vector<pds::invites::Code> codes;
};

Object json_of(const Details& found) {
    const pds::Account& account = found.account;
    Object object = json_of(account);
    object.set("emailConfirmedAt", optional_time(account.email_confirmed_at));
    object.set("emailAuthFactor", account.email_auth_factor);
    object.set("deactivatedAt", optional_time(account.deactivated_at));
    object.set("deleteAfter", optional_time(account.delete_after));
    object.set("takedownRef", optional_text(account.takedown_ref));
    object.set("invitesDisabled", account.invites_disabled);
    object.set("invitedBy", found.came_by ? Value(found.came_by->code) : Value(nullptr));
    object.set("inviteCodes", static_cast<std::int64_t>(found.codes.size()));
    object.set("rev", found.repo ? Value(found.repo->head.rev.text()) : Value(nullptr));
    object.set("records", found.repo ? found.repo->record_count : 0);
    object.set("blobs", found.blobs.blobs);
    object.set("blobBytes", found.blobs.bytes);
    return object;
}

std::string text_of(const Details& found) {
    const pds::Account& account = found.account;
    const auto time = [](const std::optional<Timestamp>& at) {
        return at ? minute_of(to_iso8601(*at)) + " UTC" : std::string();
    };
    std::string email = account.email.value_or("");
    if (account.email) email += account.email_confirmed_at ? " (confirmed)" : " (not confirmed)";
    return list_of(
        {{"did", account.did.text()},
         {"handle", account.handle.text()},
         {"e-mail", email},
         {"second factor", account.email_auth_factor ? "by e-mail" : "none"},
         {"status", status_of(account)},
         {"taken down", account.takedown_ref.value_or("")},
         {"deactivated", time(account.deactivated_at)},
         {"to be deleted", time(account.delete_after)},
         {"created", time(account.created_at)},
         {"invited by", found.came_by ? found.came_by->code : ""},
         {"invite codes", grouped(static_cast<std::int64_t>(found.codes.size())) +
                              (account.invites_disabled ? " (may not have more)" : "")},
         {"revision", found.repo ? found.repo->head.rev.text() : ""},
         {"records", grouped(found.repo ? found.repo->record_count : 0)},
         {"blobs", grouped(found.blobs.blobs) + ", " + grouped(found.blobs.bytes) + " bytes"}});
}

Result<int> show(Verb& verb, const std::string& name) {
    const auto db = TRY(open_stored(verb.config));
    const Details found = TRY(read_stored(*db, [&](db::Transaction& t) -> Result<Details> {
        const pds::Account account = TRY(find_stored(t, name));
        return Details{.account = account,
                       .repo = pds::repo_store::find(t, account.id),
                       .blobs = pds::blob_store::usage(t, account.id),
                       .came_by = pds::invites::used_by(t, account.did.text()),
                       .codes = pds::invites::of_account(t, account.did.text())};
    }));
    if (verb.format == Format::json)
        verb.out << atproto::json::write(json_of(found)) << "\n";
    else
        verb.out << text_of(found);
    return 0;
}

// ---- create, and what changes an account

std::string member(const Object& object, std::string_view name) {
    const Value* value = object.find(name);
    const auto* text = value != nullptr ? value->as<std::string>() : nullptr;
    return text != nullptr ? *text : std::string();
}

Result<int> create(Verb& verb, const std::string& handle, const std::string& email) {
    RunningServer server = TRY(RunningServer::of(verb.config));
    const SecretText password = new_password();
    Object input{{"handle", handle}, {"email", email}, {"password", password.reveal()}};
    const Object facts = TRY(server.query("com.atproto.server.describeServer", {}));
    const Value* needs_code = facts.find("inviteCodeRequired");
    if (needs_code != nullptr && *needs_code == Value(true)) {
        const Object made =
            TRY(server.call("com.atproto.server.createInviteCode", {{"useCount", 1}}));
        input.set("inviteCode", member(made, "code"));
    }
    const Object made = TRY(server.call("com.atproto.server.createAccount", std::move(input),
                                        RunningServer::As::nobody));
    const std::string did = member(made, "did");
    if (verb.format == Format::json)
        verb.out << atproto::json::write(Object{{"did", did},
                                                {"handle", member(made, "handle")},
                                                {"password", password.reveal()}})
                 << "\n";
    else
        verb.out << list_of({{"did", did},
                             {"handle", member(made, "handle")},
                             {"password", password.reveal()}})
                 << "\nThe password is shown this once.\n";
    return 0;
}

Result<int> done(Verb& verb, const pds::Account& account, std::string_view what) {
    if (verb.format == Format::json)
        verb.out << atproto::json::write(
                        Object{{"did", account.did.text()}, {"done", std::string(what)}})
                 << "\n";
    else
        verb.out << account.handle.text() << " (" << account.did.text() << ") is " << what << ".\n";
    return 0;
}

struct TakedownOptions {
    std::string name;
    std::string ref;
    bool is_undone = false;
};

Result<int> take_down(Verb& verb, const TakedownOptions& options) {
    const pds::Account account = TRY(find_account(verb.config, options.name));
    if (!options.is_undone)
        TRY(confirm(verb, "Take down " + account.handle.text() +
                              "? Its sessions end, and nobody sees its repository."));
    RunningServer server = TRY(RunningServer::of(verb.config));
    Object takedown{{"applied", !options.is_undone}};
    if (!options.ref.empty()) takedown.set("ref", options.ref);
    TRY(server.call("com.atproto.admin.updateSubjectStatus",
                    {{"subject", Object{{"$type", "com.atproto.admin.defs#repoRef"},
                                        {"did", account.did.text()}}},
                     {"takedown", std::move(takedown)}}));
    return done(verb, account, options.is_undone ? "not taken down any more" : "taken down");
}

Result<int> erase(Verb& verb, const std::string& name) {
    const pds::Account account = TRY(find_account(verb.config, name));
    TRY(confirm(verb, "Delete " + account.handle.text() + " (" + account.did.text() +
                          ") with all its records and blobs? Only a backup brings it back."));
    RunningServer server = TRY(RunningServer::of(verb.config));
    TRY(server.call("com.atproto.admin.deleteAccount", {{"did", account.did.text()}}));
    return done(verb, account, "deleted");
}

Result<int> reset_password(Verb& verb, const std::string& name) {
    const pds::Account account = TRY(find_account(verb.config, name));
    TRY(confirm(verb, "Give " + account.handle.text() + " a new password? All its sessions end."));
    RunningServer server = TRY(RunningServer::of(verb.config));
    const SecretText password = new_password();
    TRY(server.call("com.atproto.admin.updateAccountPassword",
                    {{"did", account.did.text()}, {"password", password.reveal()}}));
    if (verb.format == Format::json)
        verb.out << atproto::json::write(
                        Object{{"did", account.did.text()}, {"password", password.reveal()}})
                 << "\n";
    else
        verb.out << list_of({{"did", account.did.text()},
                             {"handle", account.handle.text()},
                             {"password", password.reveal()}})
                 << "\nThe password is shown this once.\n";
    return 0;
}

constexpr const char* account_meaning = "a handle, a DID or an e-mail address";

// A verb about one account.
void add_about_one(CLI::App& noun, ChosenVerb& chosen, const char* name, const char* meaning,
                   Confirmation confirmation, Result<int> (*run)(Verb&, const std::string&)) {
    const auto account = std::make_shared<std::string>();
    add_verb(noun, chosen, name, meaning, confirmation,
             [account, run](Verb& verb) { return run(verb, *account); })
        .add_option("account", *account, account_meaning)
        ->required();
}

}  // namespace

void add_account_verbs(CLI::App& program, ChosenVerb& chosen) {
    CLI::App* account = program.add_subcommand("account", "Look after accounts");
    account->require_subcommand(1);
    const auto listing = std::make_shared<ListOptions>();
    CLI::App& list_verb =
        add_verb(*account, chosen, "list", "List accounts, the oldest first",
                 Confirmation::not_asked, [listing](Verb& verb) { return list(verb, *listing); });
    list_verb.add_option("--email", listing->email, "only those with this in their address");
    list_verb.add_option("--after", listing->after, "go on where an earlier page ended");
    list_verb.add_option("--limit", listing->limit, "how many on a page")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    add_about_one(*account, chosen, "show", "Show what is known of an account",
                  Confirmation::not_asked, show);
    const auto person = std::make_shared<std::pair<std::string, std::string>>();
    CLI::App& create_verb =
        add_verb(*account, chosen, "create", "Make an account, with a password that is shown once",
                 Confirmation::not_asked,
                 [person](Verb& verb) { return create(verb, person->first, person->second); });
    create_verb.add_option("handle", person->first, "ann.example.com")->required();
    create_verb.add_option("--email", person->second, "the owner's address")->required();
    const auto takedown = std::make_shared<TakedownOptions>();
    CLI::App& takedown_verb = add_verb(
        *account, chosen, "takedown", "Hide an account and all it has, or show it again",
        Confirmation::asked, [takedown](Verb& verb) { return take_down(verb, *takedown); });
    takedown_verb.add_option("account", takedown->name, account_meaning)->required();
    takedown_verb.add_option("--ref", takedown->ref, "the case that it is about; kept with it");
    takedown_verb.add_flag("--undo", takedown->is_undone, "take it back");
    add_about_one(*account, chosen, "delete", "Delete an account for good", Confirmation::asked,
                  erase);
    add_about_one(*account, chosen, "reset-password",
                  "Give an account a new password, shown once; its sessions end",
                  Confirmation::asked, reset_password);
}

}  // namespace roost::app
