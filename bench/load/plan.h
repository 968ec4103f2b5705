// What is to be sent: groups of connections, each with its list of requests.
//
// A plan is a file of JSON lines, one group each:
//
//     {"connections": 32, "requests": [{"label": "getSession", "method": "GET", "path": "/xrpc/…",
//       "headers": {"authorization": "Bearer …"}, "body": "…", "body_bytes": 1000000}],
//      "chain": {"field": "refreshJwt", "first": ["…", …]}}
//
// The connections of a group take its requests in turn. In path, headers and body, <<n>> becomes a
// number that no other request of the run has, and <<token>> the text that the connection carries:
// first its own of chain.first, then what the named field of each JSON answer says. A body shorter
// than body_bytes is filled up to it. Answers are counted under their request's label.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace roost::load {

// Text with holes for the number and the token.
class Template {
  public:
    Template() = default;
    explicit Template(std::string_view text);
    bool has_holes() const { return pieces_.size() > 1; }
    void append_to(std::string& out, std::uint64_t number, std::string_view token) const;

  private:
    enum class Hole { none, number, token };
    struct Piece {
        std::string text;
        Hole hole;  // behind the text
    };
    std::vector<Piece> pieces_;
};

struct Request {
    std::size_t label = 0;  // an index of Plan::labels
    Template head;          // up to the fields that its body needs
    Template body;
    std::size_t body_bytes = 0;
    bool has_body = false;
    std::string ready;  // the whole request, if there are no holes in it

    void append_to(std::string& out, std::uint64_t number, std::string_view token) const;
};

struct Group {
    std::size_t connections = 1;
    std::vector<Request> requests;
    std::string chain_field;  // empty: no chain
    std::vector<std::string> first_tokens;
};

struct Plan {
    std::vector<Group> groups;
    std::vector<std::string> labels;
};

// Error: Fault::invalid, with what is wrong.
Result<Plan> parse_plan(std::string_view lines);

}  // namespace roost::load
