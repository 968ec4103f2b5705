// Reads one HTTP answer from the bytes of a connection, as they come.
//
// No pipelining is expected: bytes behind the answer are an error. Only the start of a body is
// kept, enough for a JSON document; the rest is counted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace roost::load {

class Answer {
  public:
    enum class Progress { more, whole, broken };

    // Forgets everything; the next bytes begin an answer.
    void reset();
    Progress feed(std::string_view bytes);

    int status() const { return status_; }
    // The start of the body.
    const std::string& body() const { return body_; }
    bool is_last() const { return is_last_; }  // the server closes the connection behind it

  private:
    enum class Stage { head, sized_body, chunk_size, chunk, chunk_end, trailer };

    Progress read_head();
    bool read_field(std::string_view line);
    Progress feed_sized(std::string_view bytes);
    Progress feed_chunked(std::string_view bytes);
    Progress take_line(std::string_view line);
    void keep(std::string_view bytes);

    Stage stage_ = Stage::head;
    std::string line_;  // the head, later the unfinished line of a chunked body
    std::string body_;
    std::size_t left_ = 0;  // of the body or of the chunk
    int status_ = 0;
    bool is_chunked_ = false;
    bool is_last_ = false;
};

}  // namespace roost::load
