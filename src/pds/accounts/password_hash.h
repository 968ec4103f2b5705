// Password hashes, as text that carries its own parameters.
//
// New ones are Argon2id (19 MiB, 2 passes). Hashes of the reference server (scrypt, "SALT:HASH" in
// hex) verify too, and ask to be made anew. Each call takes 10 to 35 ms of CPU: only the HashPool
// calls them.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

namespace roost::pds {

enum class PasswordMatch { no, yes, yes_but_rehash };

std::string hash_password(const SecretText& password);
PasswordMatch verify_password(const SecretText& password, std::string_view hash);
// A hash that no password matches, of the same cost as a real one: what is verified for unknown
// accounts, so that they answer as slowly as known ones.
const std::string& decoy_hash();

}  // namespace roost::pds
