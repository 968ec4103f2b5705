// Decompression of gzip and deflate (zlib) bodies, counted after decompression.
// https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct z_stream_s;

namespace roost::net {

class Inflater {
  public:
    // Content-Encoding as sent; unsupported_encoding for all but one gzip, x-gzip or deflate.
    static Result<Inflater> make(std::string_view content_encoding);

    // Appends what the piece decompresses to. payload_too_large if `to` would exceed max_bytes,
    // invalid if malformed or if something follows the end.
    Result<void> append(std::string_view piece, std::string& to, std::size_t max_bytes);
    // After the last piece: was it all of it?
    Result<void> finish() const;

  private:
    struct End {
        void operator()(z_stream_s* stream) const;
    };
    explicit Inflater(int window_bits);

    std::unique_ptr<z_stream_s, End> stream_;
    bool has_ended_ = false;
};

Error body_too_large(std::size_t max_bytes);

}  // namespace roost::net
