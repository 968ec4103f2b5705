// A blob as a record refers to it.
#pragma once

#include <cstdint>
#include <string>

#include "atproto/data/cid.h"

namespace roost::pds {

struct UsedBlob {
    atproto::Cid cid;
    std::string mime_type;
    std::int64_t size;
};

}  // namespace roost::pds
