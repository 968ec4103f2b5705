// Finds one lexicon document where its author has published it: the NSID's authority names a DID in
// the DNS, and the repository of that DID holds the document as a record. What is found is proven
// by the signature of that DID's key. Nothing is remembered here but DID documents, by the
// Resolver. Any Executor's thread.
// https://atproto.com/specs/lexicon#lexicon-publication-and-resolution
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "atproto/lexicon/document.h"
#include "atproto/syntax/syntax.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http_client.h"
#include "pds/identity/resolver.h"

namespace roost::pds {

class Publications {
  public:
    Publications(net::HttpClient& http, Resolver& resolver) : http_(http), resolver_(resolver) {}

    struct Published {
        lexicon::Document document;
        std::size_t bytes;  // of its record
    };
    // The deadline is of monotonic_us(). Errors: whatever went wrong, as a message for the author
    // of a record of that lexicon.
    Task<Result<Published>> find(atproto::Nsid nsid, std::int64_t deadline_us);

  private:
    Task<Result<atproto::Did>> publisher(atproto::Nsid nsid, std::int64_t deadline_us);
    Task<Result<Bytes>> record(atproto::Nsid nsid, atproto::DidDocument document,
                               std::int64_t deadline_us);

    net::HttpClient& http_;
    Resolver& resolver_;
};

// The name whose TXT record names the publisher: "_lexicon.blogging.example.com" of
// com.example.blogging.post.
std::string publisher_name(const atproto::Nsid& nsid);

}  // namespace roost::pds
