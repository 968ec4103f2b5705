#include "pds/accounts/preferences.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "atproto/data/json.h"
#include "atproto/syntax/syntax.h"
#include "base/check.h"

namespace roost::pds::preferences {

namespace {

constexpr std::string_view personal_details = "app.bsky.actor.defs#personalDetailsPref";
// Made of the former when it is asked for; what a client sends of it is dropped.
constexpr std::string_view declared_age = "app.bsky.actor.defs#declaredAgePref";

bool is_in(std::string_view name, std::string_view name_space) {
    return name.starts_with(name_space) &&
           (name.size() == name_space.size() || name[name_space.size()] == '.');
}

bool is_for(std::string_view name, Access access) {
    return access == Access::full || name != personal_details;
}

const std::string* text_of(const atproto::Value& preference, std::string_view member) {
    const auto* object = preference.as<atproto::Object>();
    const atproto::Value* value = object != nullptr ? object->find(member) : nullptr;
    return value != nullptr ? value->as<std::string>() : nullptr;
}

std::chrono::year_month_day day_of(Timestamp time) {
    return std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(time.us)));
}

std::optional<atproto::Value> age_of(const atproto::Value& details, Timestamp now) {
    const std::string* text = text_of(details, "birthDate");
    if (text == nullptr || !atproto::is_datetime(*text)) return std::nullopt;
    const Result<Timestamp> birth = atproto::parse_datetime(*text);
    if (!birth.has_value()) return std::nullopt;
    const std::chrono::year_month_day born = day_of(*birth), today = day_of(now);
    int age = static_cast<int>(today.year()) - static_cast<int>(born.year());
    if (std::pair(today.month(), today.day()) < std::pair(born.month(), born.day())) --age;
    return atproto::Object{{"$type", declared_age},
                           {"isOverAge13", age >= 13},
                           {"isOverAge16", age >= 16},
                           {"isOverAge18", age >= 18}};
}

}  // namespace

atproto::Array list(db::Transaction& t, std::int64_t account_id, std::string_view name_space,
                    Access access, Timestamp now) {
    atproto::Array found;
    std::optional<atproto::Value> age;
    db::Rows rows = t.select(
        "SELECT name, value FROM preference WHERE account_id = $1 ORDER BY place", account_id);
    while (rows.next()) {
        const std::string_view name = rows.text(0);
        if (!is_in(name, name_space)) continue;
        Result<atproto::Value> value = atproto::json::parse(rows.text(1));
        check(value.has_value(), "a preference that is stored is JSON");
        if (name == personal_details && !age) age = age_of(*value, now);
        if (is_for(name, access)) found.push_back(*std::move(value));
    }
    if (age) found.push_back(*std::move(age));
    return found;
}

Result<void> replace(db::Transaction& t, std::int64_t account_id, const atproto::Array& preferences,
                     std::string_view name_space, Access access) {
    for (const atproto::Value& preference : preferences) {
        const std::string* name = text_of(preference, "$type");
        if (name == nullptr) return Error::invalid("Preference is missing a $type");
        if (!is_in(*name, name_space))
            return Error::invalid("Some preferences are not in the " + std::string(name_space) +
                                  " namespace");
        if (!is_for(*name, access))
            return Error::invalid("Do not have authorization to set preferences: " + *name);
    }
    std::vector<std::int64_t> replaced;
    std::int64_t place = 0;
    {
        db::Rows rows = t.select(
            "SELECT place, name FROM preference WHERE account_id = $1 ORDER BY place", account_id);
        while (rows.next()) {
            place = rows.integer(0) + 1;
            const std::string_view name = rows.text(1);
            if (is_in(name, name_space) && is_for(name, access))
                replaced.push_back(rows.integer(0));
        }
    }
    for (const std::int64_t old : replaced)
        t.execute("DELETE FROM preference WHERE account_id = $1 AND place = $2", account_id, old);
    for (const atproto::Value& preference : preferences) {
        const std::string& name = *text_of(preference, "$type");
        if (name == declared_age) continue;
        t.execute("INSERT INTO preference (account_id, place, name, value) VALUES ($1, $2, $3, $4)",
                  account_id, place++, name, atproto::json::write(preference));
    }
    return {};
}

}  // namespace roost::pds::preferences
