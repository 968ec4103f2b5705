#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace roost {

void check_failed(std::string_view what, std::source_location where) {
    std::fprintf(stderr, "roost: broken invariant: %.*s (%s:%u)\n", static_cast<int>(what.size()),
                 what.data(), where.file_name(), where.line());
    std::abort();
}

}  // namespace roost
