#include "net/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "net/ascii.h"

namespace roost::net {

namespace {
constexpr int zlib_window = 15;
constexpr int gzip_window = 16 + 15;
}  // namespace

Error body_too_large(std::size_t max_bytes) {
    return {Fault::payload_too_large, "PayloadTooLarge",
            "The request body is larger than " + std::to_string(max_bytes) + " bytes."};
}

void Inflater::End::operator()(z_stream_s* stream) const {
    inflateEnd(stream);
    delete stream;
}

Inflater::Inflater(int window_bits) : stream_(new z_stream_s{}) {
    check(inflateInit2(stream_.get(), window_bits) == Z_OK, "zlib starts");
}

Result<Inflater> Inflater::make(std::string_view content_encoding) {
    if (equals_lower_case(content_encoding, "gzip") ||
        equals_lower_case(content_encoding, "x-gzip"))
        return Inflater(gzip_window);
    if (equals_lower_case(content_encoding, "deflate")) return Inflater(zlib_window);
    return Error{Fault::unsupported_encoding, "UnsupportedMediaType",
                 "The Content-Encoding must be one of gzip and deflate, or absent."};
}

Result<void> Inflater::append(std::string_view piece, std::string& to, std::size_t max_bytes) {
    std::array<char, 16 * 1024> inflated;
    stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_->avail_in = static_cast<uInt>(piece.size());
    while (!has_ended_) {
        stream_->next_out = reinterpret_cast<Bytef*>(inflated.data());
        stream_->avail_out = inflated.size();
        const int status = ::inflate(stream_.get(), Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return Error::invalid("The compressed body is malformed.");
        const std::size_t size = inflated.size() - stream_->avail_out;
        if (size > max_bytes - std::min(max_bytes, to.size())) return body_too_large(max_bytes);
        to.append(inflated.data(), size);
        has_ended_ = status == Z_STREAM_END;
        // All output was fetched, and zlib waits for the next piece.
        if (!has_ended_ && stream_->avail_out > 0) return {};
    }
    if (stream_->avail_in > 0) return Error::invalid("Bytes follow the compressed body.");
    return {};
}

Result<void> Inflater::finish() const {
    if (!has_ended_) return Error::invalid("The compressed body ends too early.");
    return {};
}

}  // namespace roost::net
