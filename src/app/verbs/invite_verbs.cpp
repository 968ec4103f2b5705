// roost invite create|list
#include <CLI/CLI.hpp>
#include <ostream>

#include "app/verbs/running_server.h"
#include "app/verbs/table.h"
#include "app/verbs/verb.h"
#include "atproto/data/json.h"
#include "pds/accounts/invites.h"

namespace roost::app {

namespace {

using atproto::Object;
using atproto::Value;

struct CreateOptions {
    std::int64_t uses = 1;
    std::int64_t count = 1;
    std::string account;
};

Result<int> create(Verb& verb, const CreateOptions& options) {
    Object input{{"codeCount", options.count}, {"useCount", options.uses}};
    if (!options.account.empty()) {
        const auto db = TRY(open_stored(verb.config));
        const pds::Account account = TRY(
            read_stored(*db, [&](db::Transaction& t) { return find_stored(t, options.account); }));
        input.set("forAccounts", atproto::Array{account.did.text()});
    }
    RunningServer server = TRY(RunningServer::of(verb.config));
    const Object made = TRY(server.call("com.atproto.server.createInviteCodes", std::move(input)));
    if (verb.format == Format::json) {
        verb.out << atproto::json::write(made) << "\n";
        return 0;
    }
    const Value* owners = made.find("codes");
    const auto* list = owners != nullptr ? owners->as<atproto::Array>() : nullptr;
    if (list == nullptr) return Error::invalid("the server's answer has no codes");
    for (const Value& owner : *list) {
        const auto* object = owner.as<Object>();
        const Value* codes = object != nullptr ? object->find("codes") : nullptr;
        const auto* texts = codes != nullptr ? codes->as<atproto::Array>() : nullptr;
        if (texts == nullptr) continue;
        for (const Value& code : *texts)
            if (const auto* text = code.as<std::string>()) verb.out << *text << "\n";
    }
    return 0;
}

struct ListOptions {
    std::string after;
    std::int64_t limit = 100;
};

Result<int> list(Verb& verb, const ListOptions& options) {
    const auto db = TRY(open_stored(verb.config));
    const std::optional<std::string> after =
        options.after.empty() ? std::nullopt : std::optional(options.after);
    const auto page = TRY(read_stored(*db, [&](db::Transaction& t) {
        return pds::invites::list(t, pds::invites::Order::recent, options.limit, after);
    }));
    if (verb.format == Format::json) {
        atproto::Array codes;
        for (const pds::invites::Code& code : page.codes) {
            atproto::Array users;
            for (const pds::invites::Use& use : code.uses)
                users.push_back(use.used_by);
            codes.push_back(Object{{"code", code.code},
                                   {"available", code.available},
                                   {"disabled", code.is_disabled},
                                   {"forAccount", code.for_account},
                                   {"createdBy", code.created_by},
                                   {"createdAt", to_iso8601(code.created_at)},
                                   {"usedBy", std::move(users)}});
        }
        verb.out << atproto::json::write(
                        Object{{"codes", std::move(codes)},
                               {"cursor", page.cursor ? Value(*page.cursor) : Value(nullptr)}})
                 << "\n";
        return 0;
    }
    Table table({"code", "used", "state", "for", "created (UTC)"});
    for (const pds::invites::Code& code : page.codes) {
        const auto used = static_cast<std::int64_t>(code.uses.size());
        const char* state = code.is_disabled         ? "disabled"
                            : used >= code.available ? "used up"
                                                     : "open";
        table.add({code.code, grouped(used) + " of " + grouped(code.available), state,
                   code.for_account, minute_of(to_iso8601(code.created_at))});
    }
    verb.out << table.text();
    if (page.cursor) verb.out << "\nThere may be more: --after " << *page.cursor << "\n";
    return 0;
}

}  // namespace

void add_invite_verbs(CLI::App& program, ChosenVerb& chosen) {
    CLI::App* invite = program.add_subcommand("invite", "Make and list invite codes");
    invite->require_subcommand(1);
    const auto creating = std::make_shared<CreateOptions>();
    CLI::App& create_verb = add_verb(*invite, chosen, "create", "Make invite codes, one a line",
                                     Confirmation::not_asked,
                                     [creating](Verb& verb) { return create(verb, *creating); });
    create_verb.add_option("--uses", creating->uses, "how often each may be used")
        ->capture_default_str();
    create_verb.add_option("--count", creating->count, "how many")->capture_default_str();
    create_verb.add_option("--for", creating->account, "an account that gives them away");
    const auto listing = std::make_shared<ListOptions>();
    CLI::App& list_verb =
        add_verb(*invite, chosen, "list", "List invite codes, the newest first",
                 Confirmation::not_asked, [listing](Verb& verb) { return list(verb, *listing); });
    list_verb.add_option("--after", listing->after, "go on where an earlier page ended");
    list_verb.add_option("--limit", listing->limit, "how many on a page")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
}

}  // namespace roost::app
