// Puts the defaults of a schema into a value that obeys it. Private to lexicon/.
#pragma once

#include "atproto/data/value.h"
#include "atproto/lexicon/document.h"

namespace roost::lexicon {

enum class Change : bool { none, made };

Change apply_defaults(const Schema& schema, atproto::Value& value);
Change apply_defaults(const ObjectSchema& schema, atproto::Object& object);

}  // namespace roost::lexicon
