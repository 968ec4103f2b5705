// The dev outbox as a page for people and as JSON for tests. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "pds/mail/mail_queue.h"

namespace roost::pds::mail {

// A whole page without scripts; each letter's HTML stands in a sandboxed frame.
std::string render_outbox_html(const std::vector<StoredLetter>& letters);

// {"letters": [{"id", "kind", "to", "subject", "text", "html", "createdAt"}, …]}
std::string outbox_json(const std::vector<StoredLetter>& letters);

}  // namespace roost::pds::mail
