#include "pds/blobs/s3_files.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/encoding.h"
#include "base/executor.h"
#include "base/log.h"
#include "net/url.h"

namespace roost::pds {

namespace {

// Of no bytes.
constexpr std::string_view empty_sha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string base_url(const S3Options& options) {
    const std::string bucket = net::percent_encode(options.bucket);
    if (options.bucket_in == S3Options::BucketIn::path)
        return options.endpoint + "/" + bucket + "/blobs/";
    const std::size_t host = options.endpoint.find("://") + 3;
    return options.endpoint.substr(0, host) + bucket + "." + options.endpoint.substr(host) +
           "/blobs/";
}

std::string_view text_of(net::Method method) {
    switch (method) {
        case net::Method::put:
            return "PUT";
        case net::Method::head:
            return "HEAD";
        case net::Method::del:
            return "DELETE";
        default:
            return "GET";
    }
}

Error refused(const net::ClientResponse& response, std::string_view what) {
    log::error("the S3 store refused",
               {{"what", what}, {"status", response.status}, {"answer", response.body}});
    return {Fault::upstream_failed, "UpstreamFailure",
            "The store of blobs does not answer as it should"};
}

Error not_found() {
    return Error::not_found("There is no such file", "BlobFileNotFound");
}

bool is_passing(const Result<net::ClientResponse>& response) {
    return !response.has_value() || response->status >= 500 || response->status == 429;
}

std::int64_t content_length(const net::ClientResponse& response) {
    const std::string_view text = response.header("content-length");
    std::int64_t size = -1;
    std::from_chars(text.data(), text.data() + text.size(), size);
    return size;
}

// A spooled file from its start, read by workers.
class SpoolSource final : public net::BodySource {
  public:
    SpoolSource(FilePool& pool, std::shared_ptr<SpooledFile> file)
        : pool_(pool), read_(std::make_shared<Read>(std::move(file))) {}

    Task<Result<std::string_view>> next() override {
        const ssize_t got = co_await pool_.run([read = read_] {
            return ::pread(read->file->descriptor(), read->piece.data(), read->piece.size(),
                           read->offset);
        });
        if (got < 0) co_return disk_error(errno, "read");
        read_->offset += got;
        co_return as_text(ByteView(read_->piece).first(static_cast<std::size_t>(got)));
    }

  private:
    struct Read {
        std::shared_ptr<SpooledFile> file;
        Bytes piece = Bytes(limits::blob_piece_bytes);
        std::int64_t offset = 0;
        explicit Read(std::shared_ptr<SpooledFile> opened) : file(std::move(opened)) {}
    };
    FilePool& pool_;
    std::shared_ptr<Read> read_;
};

}  // namespace

S3Files::S3Files(net::HttpClient& http, FilePool& pool, S3Options options)
    : http_(http), pool_(pool), options_(std::move(options)), base_url_(base_url(options_)) {}

net::ClientRequest S3Files::request(
    net::Method method, std::string_view name, std::string_view payload_sha256,
    std::vector<std::pair<std::string, std::string>> headers) const {
    net::ClientRequest request{.method = method,
                               .url = base_url_ + std::string(name),
                               .policy = net::AddressPolicy::configured,
                               .timeout_ms = options_.request_timeout_ms};
    const std::optional<net::Url> url = net::Url::parse(request.url);
    check(url.has_value(), "the S3 store's URL is well-formed");
    request.headers = sign_s3({.method = text_of(method),
                               .host = url->host_header,
                               .path = url->target,
                               .payload_sha256 = payload_sha256,
                               .headers = std::move(headers)},
                              options_.credentials, now());
    return request;
}

Task<Result<net::ClientResponse>> S3Files::send(net::Method method, std::string name,
                                                std::shared_ptr<SpooledFile> upload) {
    const std::string sha256 =
        upload ? hex_encode(upload->cid().digest()) : std::string(empty_sha256);
    std::int64_t pause_ms = limits::s3_retry_ms;
    for (int attempt = 1;; ++attempt) {
        net::ClientRequest once = request(method, name, sha256);
        if (upload) {
            once.source = std::make_shared<SpoolSource>(pool_, upload);
            once.source_size = static_cast<std::uint64_t>(upload->size());
            once.timeout_ms = options_.upload_timeout_ms;
        }
        Result<net::ClientResponse> response = co_await http_.send(std::move(once));
        if (!is_passing(response) || attempt == limits::s3_attempts) co_return response;
        co_await sleep_ms(pause_ms);
        pause_ms *= 2;
    }
}

Task<Result<void>> S3Files::keep(std::shared_ptr<SpooledFile> upload) {
    const net::ClientResponse response =
        CO_TRY(co_await send(net::Method::put, upload->name(), upload));
    if (response.status != 200) co_return refused(response, "PUT");
    co_return Result<void>();
}

Task<Result<std::unique_ptr<net::BodySource>>> S3Files::open(std::string name, std::int64_t offset,
                                                             std::int64_t size) {
    const std::string range =
        "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1);
    std::unique_ptr<net::ClientStream> stream = CO_TRY(
        co_await http_.open(request(net::Method::get, name, empty_sha256, {{"range", range}})));
    const int status = stream->head().status;
    if (status == 404 || status == 416) co_return not_found();
    if (status != 206) co_return refused(stream->head(), "GET");
    if (content_length(stream->head()) != size) co_return not_found();
    co_return stream;
}

Task<Result<void>> S3Files::erase(std::string name) {
    const net::ClientResponse response =
        CO_TRY(co_await send(net::Method::del, std::move(name), nullptr));
    if (response.status / 100 != 2 && response.status != 404) co_return refused(response, "DELETE");
    co_return Result<void>();
}

Task<Result<bool>> S3Files::has(std::string name, std::int64_t size) {
    const net::ClientResponse response =
        CO_TRY(co_await send(net::Method::head, std::move(name), nullptr));
    if (response.status == 404) co_return false;
    if (response.status != 200) co_return refused(response, "HEAD");
    co_return content_length(response) == size;
}

Task<Result<BlobFiles::Condition>> S3Files::inspect(std::string name, std::int64_t size,
                                                    atproto::Cid) {
    const net::ClientResponse response =
        CO_TRY(co_await send(net::Method::head, std::move(name), nullptr));
    if (response.status == 404) co_return Condition::missing;
    if (response.status != 200) co_return refused(response, "HEAD");
    co_return content_length(response) == size ? Condition::sound : Condition::damaged;
}

}  // namespace roost::pds
