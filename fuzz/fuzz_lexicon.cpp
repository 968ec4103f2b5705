// Whatever a client sends, the validator answers; what it accepts, the generated readers take, and
// a second look at it finds nothing left to do. The first byte chooses the method and the part.
#include <array>

#include "atproto/data/json.h"
#include "atproto/lexicon/validate.h"
#include "base/check.h"
#include "lexicon/com/atproto/admin/getAccountInfos.h"
#include "lexicon/com/atproto/admin/getInviteCodes.h"
#include "lexicon/com/atproto/admin/updateSubjectStatus.h"
#include "lexicon/com/atproto/server/createAccount.h"
#include "lexicon/com/atproto/server/createInviteCodes.h"
#include "lexicon/com/atproto/server/getServiceAuth.h"
#include "lexicon/com/atproto/sync/getRepo.h"
#include "lexicon/embedded_documents.h"

namespace {

using namespace roost;
using namespace roost::lexicon;
namespace server = roost::lexicon::com::atproto::server;
namespace admin = roost::lexicon::com::atproto::admin;
namespace sync = roost::lexicon::com::atproto::sync;

template <class Method>
void try_input(const Catalog& catalog, std::string_view text) {
    auto body = roost::atproto::json::parse(text);
    if (!body || !validate_input(catalog, Method::nsid, *body)) return;
    const auto* object = body->template as<roost::atproto::Object>();
    check(object != nullptr, "the inputs of these methods are objects");
    (void)Method::Input::from(*object);
    const roost::atproto::Value before = *body;
    check(validate_input(catalog, Method::nsid, *body).has_value(), "what is valid stays valid");
    check(*body == before, "defaults are put in once");
}

template <class Method>
void try_params(const Catalog& catalog, std::string_view query) {
    auto params = parse_params(catalog, Method::nsid, query);
    if (params) (void)Method::Params::from(*params);
}

using Trial = void (*)(const Catalog&, std::string_view);
constexpr std::array<Trial, 7> trials{
    try_input<server::createAccount::Method>,      try_input<server::createInviteCodes::Method>,
    try_input<admin::updateSubjectStatus::Method>, try_params<sync::getRepo::Method>,
    try_params<admin::getInviteCodes::Method>,     try_params<admin::getAccountInfos::Method>,
    try_params<server::getServiceAuth::Method>};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto catalog = roost::lexicon::Catalog::of(embedded_documents());
    roost::check(catalog.has_value(), "the embedded documents are a catalog");
    if (size == 0) return 0;
    trials[data[0] % trials.size()](*catalog, roost::as_text({data + 1, size - 1}));
    return 0;
}
