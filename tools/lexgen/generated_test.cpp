// What lexgen made of our documents, used as endpoints use it.
#include <gtest/gtest.h>

#include "atproto/data/json.h"
#include "atproto/lexicon/catalog.h"
#include "atproto/lexicon/validate.h"
#include "lexicon/com/atproto/admin/getInviteCodes.h"
#include "lexicon/com/atproto/admin/updateSubjectStatus.h"
#include "lexicon/com/atproto/server/createAppPassword.h"
#include "lexicon/com/atproto/server/createInviteCodes.h"
#include "lexicon/com/atproto/server/createSession.h"
#include "lexicon/com/atproto/server/describeServer.h"
#include "lexicon/com/atproto/server/getAccountInviteCodes.h"
#include "lexicon/com/atproto/sync/getRepo.h"
#include "lexicon/embedded_documents.h"

namespace roost::lexicon {
namespace {

namespace server = com::atproto::server;
namespace admin = com::atproto::admin;
using atproto::Did;
using atproto::Handle;
using atproto::Object;
using atproto::Value;

const Catalog& catalog() {
    static const Catalog built = [] {
        auto result = Catalog::of(embedded_documents());
        check(result.has_value(), "the embedded documents are a catalog");
        return *std::move(result);
    }();
    return built;
}

Value json_value(std::string_view text) {
    auto value = atproto::json::parse(text);
    EXPECT_TRUE(value.has_value()) << text;
    return value.value_or(Value());
}

template <class Method>
typename Method::Input input(std::string_view body) {
    Value value = json_value(body);
    auto valid = validate_input(catalog(), Method::nsid, value);
    EXPECT_TRUE(valid.has_value()) << valid.error().message;
    return Method::Input::from(*value.as<Object>());
}

template <class Method>
std::string written(const typename Method::Output& output) {
    std::string json;
    output.write(json);
    auto valid = validate_output(catalog(), Method::nsid, json_value(json));
    EXPECT_TRUE(valid.has_value()) << json << "\n" << valid.error().message;
    return json;
}

TEST(Generated, TheTableIsMinified) {
    EXPECT_GE(embedded_documents().size(), 57U);
    for (std::string_view text : embedded_documents()) {
        EXPECT_EQ(text.find('\n'), std::string_view::npos);
        EXPECT_EQ(text.find("\"description\":\""), std::string_view::npos) << text;
    }
}

TEST(Generated, ReadsInputs) {
    const auto in = input<server::createSession::Method>(
        R"({"identifier": "a", "password": "b", "allowTakendown": true, "more": 1})");
    EXPECT_EQ(in.identifier, "a");
    EXPECT_EQ(in.password, "b");
    EXPECT_EQ(in.authFactorToken, std::nullopt);
    EXPECT_EQ(in.allowTakendown, true);

    const auto codes = input<server::createInviteCodes::Method>(
        R"({"useCount": 2, "forAccounts": ["did:plc:abc", "did:web:a.test"]})");
    EXPECT_EQ(codes.codeCount, 1) << "the default";
    EXPECT_EQ(codes.useCount, 2);
    ASSERT_EQ(codes.forAccounts->size(), 2U);
    EXPECT_EQ(codes.forAccounts->at(1).text(), "did:web:a.test");

    const auto status = input<admin::updateSubjectStatus::Method>(
        R"({"subject": {"$type": "com.atproto.admin.defs#repoRef", "did": "did:plc:abc"},
            "takedown": {"applied": true, "ref": "7"}})");
    EXPECT_EQ(*status.subject.as<Object>()->find("did"), Value("did:plc:abc"));
    EXPECT_TRUE(status.takedown->applied);
    EXPECT_EQ(status.takedown->ref, "7");
    EXPECT_FALSE(status.deactivated.has_value());
}

TEST(Generated, ReadsParams) {
    using Method = admin::getInviteCodes::Method;
    const auto defaults = Method::Params::from(*parse_params(catalog(), Method::nsid, ""));
    EXPECT_EQ(defaults.sort, "recent");
    EXPECT_EQ(defaults.limit, 100);
    EXPECT_EQ(defaults.cursor, std::nullopt);
    const auto given =
        Method::Params::from(*parse_params(catalog(), Method::nsid, "limit=500&cursor=x"));
    EXPECT_EQ(given.limit, 500);
    EXPECT_EQ(given.cursor, "x");
    const auto flags = server::getAccountInviteCodes::Params::from(
        *parse_params(catalog(), server::getAccountInviteCodes::Method::nsid, "includeUsed=false"));
    EXPECT_FALSE(flags.includeUsed);
    EXPECT_TRUE(flags.createAvailable);
}

TEST(Generated, WritesOutputs) {
    using Session = server::createSession::Method;
    const Session::Output least{.accessJwt = "a",
                                .refreshJwt = "\"",
                                .handle = *Handle::parse("Alice.test"),
                                .did = *Did::parse("did:plc:abc")};
    EXPECT_EQ(written<Session>(least),
              R"({"accessJwt":"a","refreshJwt":"\"","handle":"alice.test","did":"did:plc:abc"})");
    Session::Output more = least;
    more.didDoc = Value(Object{{"id", "did:plc:abc"}});
    more.emailConfirmed = false;
    more.status = "suspended";
    EXPECT_EQ(written<Session>(more),
              R"({"accessJwt":"a","refreshJwt":"\"","handle":"alice.test","did":"did:plc:abc",)"
              R"("didDoc":{"id":"did:plc:abc"},"emailConfirmed":false,"status":"suspended"})");
}

TEST(Generated, WritesListsAndReferences) {
    using Describe = server::describeServer::Method;
    const Describe::Output output{
        .inviteCodeRequired = true,
        .blobUploadLimit = 5,
        .availableUserDomains = {".a.test", ".b.test"},
        .links = server::describeServer::Links{},
        .contact = server::describeServer::Contact{.email = "x@a.test"},
        .did = *Did::parse("did:web:a.test"),
    };
    EXPECT_EQ(written<Describe>(output),
              R"({"inviteCodeRequired":true,"blobUploadLimit":5,)"
              R"("availableUserDomains":[".a.test",".b.test"],"links":{},)"
              R"("contact":{"email":"x@a.test"},"did":"did:web:a.test"})");

    using Codes = admin::getInviteCodes::Method;
    const server::defs::InviteCode code{
        .code = "c",
        .available = 1,
        .disabled = false,
        .forAccount = "admin",
        .createdBy = "admin",
        .createdAt = "2026-11-22T18:50:56.123Z",
        .uses = {{.usedBy = *Did::parse("did:plc:abc"), .usedAt = "2026-11-22T18:50:56.123Z"}},
    };
    EXPECT_EQ(written<Codes>({.codes = {code, code}}).size(),
              written<Codes>({.codes = {code}}).size() * 2 - 12 + 1)
        << "12 bytes of {\"codes\":[]} once, and a comma";
    EXPECT_EQ(written<Codes>({.codes = {}}), R"({"codes":[]})");

    using Password = server::createAppPassword::Method;
    const auto app = server::createAppPassword::AppPassword::from(
        *json_value(R"({"name": "n", "password": "p", "createdAt": "2026-11-22T18:50:56Z"})")
             .as<Object>());
    EXPECT_EQ(written<Password>(app),
              R"({"name":"n","password":"p","createdAt":"2026-11-22T18:50:56Z"})");
}

TEST(Generated, StatesTheFactsOfMethods) {
    using Session = server::createSession::Method;
    static_assert(Session::nsid == "com.atproto.server.createSession");
    static_assert(Session::kind == Kind::procedure);
    static_assert(std::is_same_v<Session::Params, NoParams>);
    static_assert(Session::input_encoding == "application/json");
    static_assert(server::createSession::errors::AccountTakedown.text() == "AccountTakedown");
    using Repo = com::atproto::sync::getRepo::Method;
    static_assert(Repo::kind == Kind::query);
    static_assert(std::is_same_v<Repo::Output, NoOutput>);
    static_assert(Repo::input_encoding.empty());
    static_assert(Repo::output_encoding == "application/vnd.ipld.car");
}

// The parts that no document of ours uses yet.
TEST(GeneratedSupport, CoversEveryKindOfMember) {
    using generated::read;
    EXPECT_EQ(read<std::optional<std::string>>(Value()), std::nullopt);
    EXPECT_EQ(read<std::optional<std::string>>(Value("a")), "a");
    EXPECT_EQ(read<Bytes>(Value(Bytes{1, 2})), (Bytes{1, 2}));
    EXPECT_EQ(read<std::vector<bool>>(Value(atproto::Array{true, false})),
              (std::vector<bool>{true, false}));
    std::string json;
    generated::Members members(json);
    members.put("\"a\":", std::optional<std::string>());
    members.put("\"b\":", Bytes{0});
    members.put("\"c\":", std::vector<bool>{true, false});
    members.put("\"d\":", atproto::Cid::of(atproto::Codec::raw, {}));
    members.put_if_there("\"e\":", std::optional<std::int64_t>());
    members.put_if_there("\"f\":", std::optional<std::int64_t>(-1));
    members.finish();
    EXPECT_EQ(json, R"({"a":null,"b":{"$bytes":"AA"},"c":[true,false],"d":{"$link":)"
                    R"("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"},"f":-1})");
}

TEST(GeneratedSupportDeathTest, DataThatWasNotValidatedIsABug) {
    const Object empty;
    EXPECT_DEATH(server::createSession::Input::from(empty), "");
}

}  // namespace
}  // namespace roost::lexicon
