// The identifiers of the protocol, each a type that exists only as a valid value.
//
//     Result<Handle> handle = Handle::parse("Alice.Example.com");   // normalised to lower case
//
// parse() is the only way in; text() the way out. Values are immutable, cheap to move, compare
// bytewise. Errors are Fault::invalid and say what is wrong with the text.
// Specifications: https://atproto.com/specs/did, /handle, /nsid, /at-uri-scheme, /tid, /record-key,
// /lexicon#string-formats.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace roost::atproto {

namespace detail {
// What the text-shaped identifiers share. Kind is the derived type, so kinds do not mix.
template <class Kind>
class Identifier {
  public:
    const std::string& text() const { return text_; }
    friend auto operator<=>(const Identifier&, const Identifier&) = default;

  protected:
    explicit Identifier(std::string text) : text_(std::move(text)) {}

  private:
    std::string text_;
};
}  // namespace detail

// https://atproto.com/specs/did — any method that is syntactically right; at most 2048 bytes.
class Did : public detail::Identifier<Did> {
  public:
    static Result<Did> parse(std::string_view text);
    std::string_view method() const;  // "plc", "web"

  private:
    using Identifier::Identifier;
};

// https://atproto.com/specs/handle — at most 253 bytes; parse() lower-cases.
class Handle : public detail::Identifier<Handle> {
  public:
    static Result<Handle> parse(std::string_view text);
    // False for the top-level domains that the specification excludes (.local, .arpa, …). ".test"
    // is allowed here: whether it may be used is the server's policy.
    bool has_allowed_tld() const;

  private:
    using Identifier::Identifier;
};

// https://atproto.com/specs/nsid — the authority is normalised to lower case.
class Nsid : public detail::Identifier<Nsid> {
  public:
    static Result<Nsid> parse(std::string_view text);

  private:
    using Identifier::Identifier;
};

// https://atproto.com/specs/record-key
class RecordKey : public detail::Identifier<RecordKey> {
  public:
    static Result<RecordKey> parse(std::string_view text);

  private:
    using Identifier::Identifier;
};

// https://atproto.com/specs/tid — 13 characters: 53 bits of microseconds, 10 bits of clock id.
class Tid : public detail::Identifier<Tid> {
  public:
    static Result<Tid> parse(std::string_view text);
    static Tid from(Timestamp time, std::uint16_t clock_id);  // clock_id below 1024
    std::uint64_t number() const;

  private:
    using Identifier::Identifier;
};

// https://atproto.com/specs/at-uri-scheme — the restricted form: at://AUTHORITY[/NSID[/RKEY]].
class AtUri : public detail::Identifier<AtUri> {
  public:
    static Result<AtUri> parse(std::string_view text);
    static AtUri of(const Did& did, const Nsid& collection, const RecordKey& rkey);
    std::string_view authority() const;
    std::string_view collection() const;  // empty if absent
    std::string_view rkey() const;        // empty if absent

  private:
    using Identifier::Identifier;
};

// The lexicon's remaining string formats: syntax checks without a type of their own.
bool is_at_identifier(std::string_view text);
bool is_datetime(std::string_view text);  // https://atproto.com/specs/lexicon#datetime
bool is_language(std::string_view text);  // BCP 47, well-formed
bool is_uri(std::string_view text);       // a scheme and a rest, no white space, at most 8 KiB
// A did:key of any known multicodec is checked in atproto/crypto; this is a DID with an optional
// "#fragment", as service audiences are written.
bool is_did_with_fragment(std::string_view text);

// The instant that a datetime names; only for texts that is_datetime() accepts.
Result<Timestamp> parse_datetime(std::string_view text);

}  // namespace roost::atproto

template <class Kind>
    requires std::derived_from<Kind, roost::atproto::detail::Identifier<Kind>>
struct std::hash<Kind> {
    std::size_t operator()(const Kind& id) const noexcept {
        return std::hash<std::string>{}(id.text());
    }
};
