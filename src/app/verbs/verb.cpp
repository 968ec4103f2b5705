#include "app/verbs/verb.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <istream>
#include <ostream>

#include "db/reading_database.h"
#include "pds/accounts/account_store.h"
#include "pds/mail/email_address.h"

namespace roost::app {

CLI::App& add_verb(CLI::App& noun, ChosenVerb& chosen, const char* name, const char* meaning,
                   Confirmation confirmation, RunVerb run) {
    CLI::App* verb = noun.add_subcommand(name, meaning);
    verb->add_flag("--json", chosen.wants_json, "answer as JSON");
    if (confirmation == Confirmation::asked)
        verb->add_flag("--yes", chosen.is_confirmed, "do not ask");
    verb->callback([&chosen, run = std::move(run)] { chosen.run = run; });
    chosen.verbs.push_back(verb);
    return *verb;
}

Result<void> confirm(const Verb& verb, std::string_view question) {
    if (verb.is_confirmed) return {};
    if (verb.person.answers == nullptr)
        return Error::invalid("nobody can be asked here; say --yes if you mean it", "NotConfirmed");
    verb.err << question << " Type yes to go on: " << std::flush;
    std::string answer;
    std::getline(*verb.person.answers, answer);
    if (answer == "yes") return {};
    return Error::invalid("nothing was changed", "NotConfirmed");
}

Result<std::unique_ptr<db::Database>> open_stored(const Config& config) {
    const std::filesystem::path file = config.storage.database_file();
    std::error_code error;
    if (!std::filesystem::exists(file, error))
        return Error::invalid("there is no " + file.string() +
                              ": name the server's folder in PDS_DATA_DIRECTORY, or by "
                              "--data-directory, and run this as the user the server runs as");
    return db::open_for_reading(file.string());
}

Result<pds::Account> find_stored(db::Transaction& t, const std::string& name) {
    std::string_view text = name;
    if (text.starts_with('@')) text.remove_prefix(1);
    std::optional<pds::Account> account;
    if (text.find('@') != std::string_view::npos)
        account = pds::account_store::find_by_email(t, pds::mail::normalize_email(text));
    else
        account = pds::account_store::find_by_did_or_handle(t, text);
    if (!account)
        return Error::not_found("there is no account \"" + name +
                                "\": a handle, a DID or an e-mail address is expected; see roost "
                                "account list");
    return *std::move(account);
}

}  // namespace roost::app
