// Which passwords a new account or a reset may have.
#pragma once

#include "base/result.h"
#include "base/secret.h"

namespace roost::pds {

// 8 to 256 bytes, and not one of the passwords that guessers try first. The errors have the name
// InvalidPassword and say what to change.
Result<void> check_new_password(const SecretText& password);

}  // namespace roost::pds
