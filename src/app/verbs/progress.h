// A line on a person's screen that says how far long work has come, written over itself a few times
// a second. On anything but a screen it writes nothing.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "app/verbs/verb.h"

namespace roost::app {

class Progress {
  public:
    // all: 0, if it is not known.
    Progress(const Verb& verb, std::string what, std::int64_t all);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();  // takes the line away

    void at(std::int64_t done);

  private:
    std::ostream* screen_;  // null: there is none
    std::string what_;
    std::int64_t all_;
    std::int64_t shown_at_us_ = 0;
};

}  // namespace roost::app
