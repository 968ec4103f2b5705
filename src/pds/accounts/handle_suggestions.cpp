#include "pds/accounts/handle_suggestions.h"

#include <algorithm>

#include "base/random.h"
#include "pds/accounts/account_store.h"
#include "pds/accounts/pending_handles.h"
#include "pds/error_names.h"

namespace roost::pds {

namespace {

// Enough to choose from; each costs two point queries.
constexpr std::size_t suggestions_max = 5;
constexpr int tries_max = 12;

bool is_free(db::Transaction& t, const atproto::Handle& handle) {
    return !account_store::find_by_handle(t, handle) &&
           account_store::pending_holders(t, handle, std::nullopt).empty() &&
           !pending_handles::holder(t, handle);
}

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// "ann.b_c+d@example.org": "ann-b-c".
std::string label_of_email(std::string_view email) {
    std::string label;
    for (const char raw : email.substr(0, email.find_first_of("@+"))) {
        const char c = raw >= 'A' && raw <= 'Z' ? static_cast<char>(raw + 32) : raw;
        if (is_letter_or_digit(c))
            label += c;
        else if (!label.empty() && !label.ends_with('-'))
            label += '-';
    }
    while (label.ends_with('-'))
        label.pop_back();
    return label;
}

class Search {
  public:
    Search(db::Transaction& t, const HandlePolicy& policy, std::string_view domain)
        : t_(t), policy_(policy), domain_(domain) {}

    void offer(std::string label, std::string_view method) {
        if (found_.size() == suggestions_max) return;
        const Result<atproto::Handle> handle = policy_.normalize(label + domain_);
        if (!handle.has_value() || !policy_.check_service_handle(*handle).has_value()) return;
        const bool is_known = std::ranges::any_of(
            found_, [&](const HandleSuggestion& each) { return each.handle == *handle; });
        if (!is_known && is_free(t_, *handle)) found_.push_back({*handle, method});
    }
    std::vector<HandleSuggestion> take() { return std::move(found_); }

  private:
    db::Transaction& t_;
    const HandlePolicy& policy_;
    std::string domain_;
    std::vector<HandleSuggestion> found_;
};

}  // namespace

Result<Availability> check_availability(db::Transaction& t, const HandlePolicy& policy,
                                        const HandleWish& wish) {
    const atproto::Handle handle = TRY(policy.normalize(wish.handle.text()));
    const Result<void> permitted = policy.check_service_handle(handle);
    const bool is_reserved =
        !permitted.has_value() && permitted.error().name == error_names::HandleNotAvailable.text();
    if (!permitted.has_value() && !is_reserved) return permitted.error();
    if (!is_reserved && is_free(t, handle)) return Availability{.is_free = true, .suggestions = {}};

    const std::string& text = handle.text();
    const std::string label = text.substr(0, text.find('.'));
    Search search(t, policy, text.substr(label.size()));
    if (wish.email) search.offer(label_of_email(*wish.email), "email");
    // With a number of two digits, or of three where those are taken; short enough to be allowed.
    constexpr std::size_t digits_max = 3;
    const std::string stem = label.substr(0, service_label_size_max - digits_max);
    for (int i = 0; i < tries_max; ++i) {
        const std::uint32_t from = i < tries_max / 2 ? 10 : 100;
        search.offer(stem + std::to_string(from + random_below(from * 9)), "number");
    }
    return Availability{.is_free = false, .suggestions = search.take()};
}

}  // namespace roost::pds
