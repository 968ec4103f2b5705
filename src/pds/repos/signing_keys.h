// Where repositories get the keys that sign them: the accounts' rooms keep those, above this one.
#pragma once

#include <cstdint>
#include <functional>

#include "atproto/crypto/keys.h"
#include "base/result.h"
#include "db/transaction.h"

namespace roost::pds {

// The account exists. Errors: the key cannot be read. Any thread.
using FindSigningKey =
    std::function<Result<atproto::PrivateKey>(db::Transaction& t, std::int64_t account_id)>;

// Whether each commit's signature is checked before the commit is stored: the cost of a signature
// again, for machines whose memory is not trusted.
enum class SignatureCheck { off, on };

}  // namespace roost::pds
