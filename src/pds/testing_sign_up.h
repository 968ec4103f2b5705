// A sign-up with everything it needs: real stores and hashes, a fake network.
#pragma once

#include <optional>
#include <string>

#include "pds/accounts/sign_up.h"
#include "pds/testing.h"
#include "pds/testing_network.h"

namespace roost::pds::testing {

inline constexpr std::string_view public_url = "https://pds.test";

class SignUpBed : public TestDatabase {
  public:
    explicit SignUpBed(InvitePolicy invites = InvitePolicy::open)
        : sign_up({.db = db(),
                   .hashes = hashes,
                   .vault = vault,
                   .handles = handles,
                   .sessions = sessions,
                   .plc = plc,
                   .resolver = resolver},
                  {.public_url = std::string(public_url),
                   .rotation_key = rotation_key,
                   .operator_recovery_key = operator_key.public_key(),
                   .invites = invites}) {}

    static SignUpRequest request(const std::string& name,
                                 std::optional<std::string> invite_code = std::nullopt) {
        return {.handle = name + ".pds.test",
                .email = name + "@example.org",
                .password = SecretText("a password of " + name),
                .invite_code = std::move(invite_code)};
    }
    Result<SignUp::Done> create(SignUpRequest wanted) {
        return loop.run(sign_up.create(std::move(wanted)));
    }
    // What a process leaves that is killed between the durable key and the directory's answer.
    account_store::PendingSignup leave_pending(const std::string& name,
                                               std::optional<std::string> code = std::nullopt) {
        const auto key = atproto::PrivateKey::generate(atproto::Curve::k256);
        const auto state = atproto::plc::make_state(handle_of(name + ".pds.test"), key.public_key(),
                                                    public_url, {rotation_key.public_key()});
        const auto genesis = atproto::plc::Operation::sign(state, std::nullopt, rotation_key);
        const account_store::PendingSignup signup{
            .did = genesis.make_did(),
            .handle = handle_of(name + ".pds.test"),
            .email = name + "@example.org",
            .password_hash = "hash of " + name,
            .invite_code = std::move(code),
            .did_key = key.public_key().did_key(),
            .sealed_key = vault.seal(key),
            .operation = atproto::json::write(genesis.value()),
            .created_at = now(),
        };
        write([&](db::Transaction& t) { account_store::insert_pending(t, signup); });
        return signup;
    }
    // Rows that belong to accounts and sign-ups, and what tells of them.
    std::int64_t rows_left() {
        return count(
            "SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM pending_signup) + "
            "(SELECT count(*) FROM signing_key) + (SELECT count(*) FROM repo) + "
            "(SELECT count(*) FROM session) + (SELECT count(*) FROM event) + "
            "(SELECT count(*) FROM invite_code_use)");
    }

    FakeNetwork network;
    atproto::PrivateKey rotation_key = atproto::PrivateKey::generate(atproto::Curve::k256);
    atproto::PrivateKey operator_key = atproto::PrivateKey::generate(atproto::Curve::p256);
    HashPool hashes{1};
    HandlePolicy handles{{".pds.test"}, PunycodeHandles::refused};
    PlcClient plc{network, std::string(plc_url)};
    Resolver resolver{
        network, plc, {.timeout_ms = 1'000, .ages = {.stale_ms = 60'000, .max_ms = 120'000}}};
    Tokens tokens{SecretText("a secret of the test"), did_of("did:web:pds.test")};
    Sessions sessions{db(), tokens};
    SignUp sign_up;
};

}  // namespace roost::pds::testing
