// roost repo verify|rebuild|export
#include <CLI/CLI.hpp>
#include <filesystem>
#include <ostream>

#include "app/repo_parts.h"
#include "app/secrets_file.h"
#include "app/verbs/output_file.h"
#include "app/verbs/progress.h"
#include "app/verbs/table.h"
#include "app/verbs/verb.h"
#include "atproto/data/json.h"
#include "pds/accounts/account_search.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/key_vault.h"
#include "pds/audit/audit_log.h"
#include "pds/repos/repo_check.h"
#include "pds/repos/repo_export.h"
#include "pds/repos/repo_store.h"

namespace roost::app {

namespace {

using atproto::Object;

// Accounts whose names are read at once.
constexpr std::int64_t page_accounts = 500;
// Of an export, between two writes to the file.
constexpr std::size_t piece_bytes = 1024 * 1024;

Result<pds::KeyVault> open_vault(const Config& config) {
    const auto key = TRY(read_master_key(config.storage.master_key_file));
    if (!key)
        return Error::invalid("the master key " + config.storage.master_key_file.string() +
                              " is missing: name it in ROOST_MASTER_KEY_FILE");
    return pds::KeyVault(*key);
}

// ---- verify

struct Damage {
    std::string did;
    std::string handle;
    std::vector<std::string> problems;
    bool can_be_rebuilt;  // it concerns the stored nodes alone
};
struct Sum {
    std::int64_t repos = 0;
    std::int64_t records = 0;
    std::int64_t bytes = 0;
    std::vector<Damage> damages;
};

Result<void> verify_one(db::Database& db, const pds::Account& account,
                        const pds::FindSigningKey& find_key, Sum& sum) {
    // A snapshot for each, so that the server's log is not held up for long.
    const Result<pds::RepoReport> report =
        read_stored(db, [&](db::Transaction& t) { return pds::check_repo(t, account, find_key); });
    if (!report.has_value()) {
        // One that is deleted meanwhile is no damage.
        if (report.error().fault == Fault::not_found) return {};
        return report.error();
    }
    ++sum.repos;
    sum.records += report->records;
    sum.bytes += report->bytes;
    if (report->is_sound()) return {};
    std::vector<std::string> all = report->problems;
    all.insert(all.end(), report->node_problems.begin(), report->node_problems.end());
    sum.damages.push_back(
        {account.did.text(), account.handle.text(), std::move(all), report->problems.empty()});
    return {};
}

Result<Sum> verify_all(Verb& verb, db::Database& db, const pds::FindSigningKey& find_key) {
    Sum sum;
    const std::int64_t all = TRY(read_stored(
        db, [](db::Transaction& t) -> Result<std::int64_t> { return pds::repo_store::count(t); }));
    Progress progress(verb, "Checking repositories", all);
    std::optional<std::string> after;
    while (true) {
        const auto page = TRY(read_stored(db, [&](db::Transaction& t) {
            return pds::account_search::by_email(t, "", after, page_accounts);
        }));
        for (const pds::Account& account : page.accounts) {
            progress.at(sum.repos);
            TRY(verify_one(db, account, find_key, sum));
        }
        if (!page.cursor) return sum;
        after = page.cursor;
    }
}

void print(Verb& verb, const Sum& sum) {
    if (verb.format == Format::json) {
        atproto::Array damaged;
        for (const Damage& damage : sum.damages)
            damaged.push_back(Object{
                {"did", damage.did},
                {"handle", damage.handle},
                {"canBeRebuilt", damage.can_be_rebuilt},
                {"problems", atproto::Array(damage.problems.begin(), damage.problems.end())}});
        verb.out << atproto::json::write(Object{{"checked", sum.repos},
                                                {"records", sum.records},
                                                {"bytes", sum.bytes},
                                                {"damaged", std::move(damaged)}})
                 << "\n";
        return;
    }
    for (const Damage& damage : sum.damages) {
        verb.out << damage.handle << " (" << damage.did << ") is damaged:\n";
        for (const std::string& problem : damage.problems)
            verb.out << "  " << problem << "\n";
        verb.out << (damage.can_be_rebuilt
                         ? "  Only stored nodes are concerned: stop the server, then roost repo "
                           "rebuild " +
                               damage.handle + "\n"
                         : "  Check the disk, and restore it from a backup "
                           "(docs/operating/recover.md).\n");
    }
    verb.out << "Checked " << grouped(sum.repos) << " repositories with " << grouped(sum.records)
             << " records of " << grouped(sum.bytes) << " bytes: "
             << (sum.damages.empty()
                     ? "all are sound"
                     : grouped(static_cast<std::int64_t>(sum.damages.size())) + " damaged")
             << ".\n";
}

Result<int> verify(Verb& verb, const std::string& name) {
    const pds::KeyVault vault = TRY(open_vault(verb.config));
    const auto db = TRY(open_stored(verb.config));
    const pds::FindSigningKey find_key = signing_keys(vault);
    Sum sum;
    if (name.empty()) {
        sum = TRY(verify_all(verb, *db, find_key));
    } else {
        const pds::Account account =
            TRY(read_stored(*db, [&](db::Transaction& t) { return find_stored(t, name); }));
        TRY(verify_one(*db, account, find_key, sum));
    }
    print(verb, sum);
    return sum.damages.empty() ? 0 : 1;
}

// ---- rebuild

struct RebuildOptions {
    std::string name;
    bool signs = false;
};

Result<pds::RebuiltRepo> rebuild_in(db::Transaction& t, const pds::Account& account,
                                    const RebuildOptions& options, const pds::KeyVault& vault,
                                    Timestamp time) {
    const Result<pds::RebuiltRepo> rebuilt =
        options.signs ? pds::sign_records(t, account, signing_keys(vault), time)
                      : pds::rebuild_nodes(t, account);
    if (!rebuilt.has_value()) return rebuilt;
    pds::audit_log::append(t, {.actor = "tool",
                               .method = "roost repo rebuild",
                               .subject = account.did.text(),
                               .detail = options.signs ? "with a new commit" : "",
                               .time = time});
    return rebuilt;
}

Result<int> rebuild(Verb& verb, const RebuildOptions& options) {
    const pds::KeyVault vault = TRY(open_vault(verb.config));
    const pds::Account account = TRY([&]() -> Result<pds::Account> {
        const auto db = TRY(open_stored(verb.config));
        return read_stored(*db, [&](db::Transaction& t) { return find_stored(t, options.name); });
    }());
    if (options.signs)
        TRY(confirm(verb,
                    "Sign a new commit that says that the records on this disk are the "
                    "repository of " +
                        account.handle.text() +
                        "? What is missing is then "
                        "missing for everybody."));
    const auto db = TRY(db::Database::open({.path = verb.config.storage.database_file().string()}));
    RunLoop loop;
    const Result<pds::RebuiltRepo> rebuilt = loop.run(db->write(
        [&](db::Transaction& t) { return rebuild_in(t, account, options, vault, now()); }));
    if (!rebuilt.has_value() && rebuilt.error().name == "OtherTree")
        return Error::invalid(rebuilt.error().message +
                              ". Nothing was changed. Restore the database from a backup; or, if "
                              "there is none, --sign makes a commit of what is there");
    const pds::RebuiltRepo done = TRY(Result<pds::RebuiltRepo>(rebuilt));
    if (verb.format == Format::json)
        verb.out << atproto::json::write(Object{{"did", account.did.text()},
                                                {"root", done.root.text()},
                                                {"records", done.records}})
                 << "\n";
    else
        verb.out << "The tree of " << account.handle.text() << " is made anew of "
                 << grouped(done.records) << " records; its root is " << done.root.text() << ".\n";
    return 0;
}

// ---- export

struct ExportOptions {
    std::string name;
    std::string output;
};

Result<std::int64_t> write_car(Verb& verb, db::Database& db, const pds::Account& account,
                               OutputFile& file) {
    const auto car = TRY(pds::RepoExport::open(db, account, {}));
    Progress progress(verb, "Writing bytes", 0);
    std::int64_t written = 0;
    Bytes piece;
    bool has_more = true;
    while (has_more) {
        piece.clear();
        has_more = TRY(car->append_to(piece, piece_bytes));
        TRY(file.write(piece));
        written += static_cast<std::int64_t>(piece.size());
        progress.at(written);
    }
    TRY(file.finish());
    return written;
}

Result<int> export_car(Verb& verb, const ExportOptions& options) {
    const bool is_to_stdout = options.output == "-";
    const auto db = TRY(open_stored(verb.config));
    const pds::Account account =
        TRY(read_stored(*db, [&](db::Transaction& t) { return find_stored(t, options.name); }));
    OutputFile file =
        TRY(is_to_stdout ? OutputFile::standard_output() : OutputFile::create(options.output));
    const std::int64_t written = TRY(write_car(verb, *db, account, file));
    if (is_to_stdout) return 0;
    if (verb.format == Format::json)
        verb.out << atproto::json::write(Object{
                        {"did", account.did.text()}, {"file", options.output}, {"bytes", written}})
                 << "\n";
    else
        verb.out << "The repository of " << account.handle.text() << " is in " << options.output
                 << ", " << grouped(written) << " bytes.\n";
    return 0;
}

}  // namespace

void add_repo_verbs(CLI::App& program, ChosenVerb& chosen) {
    CLI::App* repo = program.add_subcommand("repo", "Check, mend and export repositories");
    repo->require_subcommand(1);
    const auto name = std::make_shared<std::string>();
    add_verb(*repo, chosen, "verify",
             "Check that repositories are what their commits say; status 1 if one is not",
             Confirmation::not_asked, [name](Verb& verb) { return verify(verb, *name); })
        .add_option("account", *name, "a handle, a DID or an e-mail address; all without one");
    const auto rebuilding = std::make_shared<RebuildOptions>();
    CLI::App& rebuild_verb = add_verb(
        *repo, chosen, "rebuild",
        "Make the stored tree of a repository anew from its records; the server is stopped",
        Confirmation::asked, [rebuilding](Verb& verb) { return rebuild(verb, *rebuilding); });
    rebuild_verb.add_option("account", rebuilding->name, "a handle, a DID or an e-mail address")
        ->required();
    rebuild_verb.add_flag("--sign", rebuilding->signs,
                          "even if that is another tree: sign a commit of what is there");
    const auto exporting = std::make_shared<ExportOptions>();
    CLI::App& export_verb = add_verb(
        *repo, chosen, "export", "Write a repository to a CAR file", Confirmation::not_asked,
        [exporting](Verb& verb) { return export_car(verb, *exporting); });
    export_verb.add_option("account", exporting->name, "a handle, a DID or an e-mail address")
        ->required();
    export_verb.add_option("-o,--output", exporting->output, "the file, or - for standard output")
        ->required();
}

}  // namespace roost::app
