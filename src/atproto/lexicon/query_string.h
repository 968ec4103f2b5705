// The names and values of a query string. Private to lexicon/.
// https://url.spec.whatwg.org/#urlencoded-parsing
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace roost::lexicon {

// Takes the pairs off the front, one by one:
//     QueryString query("a=1&b=x+y");
//     while (query.take()) use(query.name(), query.value());
class QueryString {
  public:
    explicit QueryString(std::string_view text) : rest_(text) {}

    bool take();  // false: no more
    const std::string& name() const { return name_; }
    const std::string& value() const { return value_; }
    std::string take_value() { return std::move(value_); }

  private:
    std::string_view rest_;
    std::string name_;
    std::string value_;
};

// "+" is a space, "%41" is "A", a "%" before anything else stays. Bytes that are not UTF-8 become
// U+FFFD, one for each sequence that could not be completed.
std::string decode_form(std::string_view text);

}  // namespace roost::lexicon
