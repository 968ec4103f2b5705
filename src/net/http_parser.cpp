#include "net/http_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <charconv>

#include "net/ascii.h"

namespace roost::net {

namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using BeastView = boost::beast::string_view;

std::string_view view(BeastView text) {
    return {text.data(), text.size()};
}

Method method_of(std::string_view text) {
    if (text == "GET" || text == "HEAD") return Method::get;
    if (text == "POST") return Method::post;
    if (text == "PUT") return Method::put;
    if (text == "DELETE") return Method::del;
    if (text == "OPTIONS") return Method::options;
    if (text == "PATCH") return Method::patch;
    return Method::other;
}

// Digits only, at most 2^63 - 1: no sign, no list, no white space.
std::optional<std::uint64_t> parse_content_length(std::string_view text) {
    std::int64_t value = 0;
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return static_cast<std::uint64_t>(value);
}

bool is_host(std::string_view text) {
    for (const char c : text)
        if (!is_alphanumeric(c) && std::string_view("-._~:[]%").find(c) == std::string_view::npos)
            return false;
    return true;
}

// Collects what Beast's parser finds; its own reading of the framing headers is not relied on.
class Collector final : public http::basic_parser<true> {
  public:
    explicit Collector(RequestHead& head) : head_(head) {}

    // Null if the head can be answered.
    const char* complaint() const {
        if (complaint_ != nullptr) return complaint_;
        if (hosts_ == 0 && !head_.is_http_1_0) return "Every HTTP/1.1 request needs a Host header.";
        if (head_.is_chunked && head_.content_length)
            return "Content-Length and Transfer-Encoding exclude each other.";
        if (head_.is_chunked && head_.is_http_1_0) return "HTTP/1.0 has no Transfer-Encoding.";
        return nullptr;
    }
    bool has_unknown_expectation() const { return has_unknown_expectation_; }

  private:
    void complain(const char* complaint) {
        if (complaint_ == nullptr) complaint_ = complaint;
    }
    void on_request_impl(http::verb, BeastView method, BeastView target, int version,
                         error_code&) override {
        head_.method_text = view(method);
        head_.target = view(target);
        head_.is_http_1_0 = version == 10;
    }
    void on_field_impl(http::field field, BeastView name, BeastView value, error_code&) override {
        head_.headers.push_back({view(name), view(value)});
        switch (field) {
            case http::field::host:
                if (++hosts_ > 1) complain("There is more than one Host header.");
                if (!is_host(view(value))) complain("The Host header is malformed.");
                break;
            case http::field::authorization:
                if (++authorizations_ > 1) complain("There is more than one Authorization header.");
                break;
            case http::field::content_length:
                if (head_.content_length) complain("There is more than one Content-Length.");
                head_.content_length = parse_content_length(view(value));
                if (!head_.content_length) complain("The Content-Length is malformed.");
                break;
            case http::field::transfer_encoding:
                if (head_.is_chunked) complain("There is more than one Transfer-Encoding.");
                head_.is_chunked = true;
                if (!equals_lower_case(view(value), "chunked"))
                    complain("The only Transfer-Encoding understood is \"chunked\".");
                break;
            case http::field::content_encoding:
                on_content_encoding(view(value));
                break;
            case http::field::expect:
                head_.expects_continue = equals_lower_case(view(value), "100-continue");
                if (!head_.expects_continue) has_unknown_expectation_ = true;
                break;
            default:
                break;
        }
    }
    void on_content_encoding(std::string_view value) {
        // Two headers are two encodings: a comma keeps them from passing as one.
        head_.content_encoding = head_.content_encoding.empty() ? value : ",";
    }
    void on_response_impl(int, BeastView, int, error_code&) override {}
    void on_header_impl(error_code&) override { head_.keeps_alive = keep_alive(); }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(BeastView, error_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, BeastView, error_code&) override { return 0; }
    void on_finish_impl(error_code&) override {}

    RequestHead& head_;
    const char* complaint_ = nullptr;
    int hosts_ = 0;
    int authorizations_ = 0;
    bool has_unknown_expectation_ = false;
};

constexpr std::string_view bad_request = "InvalidRequest";

}  // namespace

void HeadParser::reset() {
    std::vector<Header> headers = std::move(head_.headers);
    headers.clear();
    head_ = RequestHead{};
    head_.headers = std::move(headers);
    head_start_ = scanned_ = lines_ = first_line_size_ = 0;
}

void HeadParser::shrink() {
    if (head_.headers.capacity() > 16) head_.headers = std::vector<Header>();
}

HeadParser::State HeadParser::refuse(int status, std::string_view name, std::string_view message) {
    refusal_ = {status, name, message};
    return State::refused;
}

HeadParser::State HeadParser::parse(std::string_view input) {
    if (scanned_ == 0 && input.starts_with("\r\n")) head_start_ = scanned_ = 2;
    const State scanned = scan(input);
    if (scanned != State::complete) return scanned;
    head_.size = scanned_;
    return parse_whole(input.substr(head_start_, scanned_ - head_start_));
}

// Looks at each line once, as soon as it is whole, so that a malformed one is refused at once and
// a long one does not pile up.
HeadParser::State HeadParser::scan(std::string_view input) {
    while (true) {
        const std::size_t end = input.find('\n', scanned_);
        const bool is_whole = end != std::string_view::npos;
        const std::size_t line_end = is_whole ? end + 1 : input.size();
        if (lines_ == 0 && line_end - scanned_ > limits_.request_line_bytes_max)
            return refuse(414, "UriTooLong", "The request line is too long.");
        if (lines_ > 0 && line_end - head_start_ - first_line_size_ > limits_.headers_bytes_max)
            return refuse(431, "RequestHeaderFieldsTooLarge", "The headers are too large.");
        if (!is_whole) return State::need_more;
        const std::string_view line = input.substr(scanned_, line_end - scanned_);
        if (line.size() < 2 || line[line.size() - 2] != '\r')
            return refuse(400, bad_request, "Lines must end in CR LF.");
        scanned_ = line_end;
        if (line.size() == 2 && lines_ > 0) return State::complete;
        if (!is_line_fine(line)) return State::refused;
        if (lines_++ == 0) first_line_size_ = line.size();
    }
}

bool HeadParser::is_line_fine(std::string_view line) {
    if (lines_ == 0) {
        if (line.ends_with(" HTTP/1.1\r\n") || line.ends_with(" HTTP/1.0\r\n")) return true;
        refuse(400, bad_request, "The request line must end in HTTP/1.1 or HTTP/1.0.");
        return false;
    }
    if (line.front() == ' ' || line.front() == '\t') {
        refuse(400, bad_request, "Folded header lines are not accepted.");
        return false;
    }
    if (lines_ > limits_.headers_count_max) {
        refuse(431, "RequestHeaderFieldsTooLarge", "There are too many headers.");
        return false;
    }
    return true;
}

HeadParser::State HeadParser::parse_whole(std::string_view bytes) {
    Collector collector(head_);
    collector.header_limit(static_cast<std::uint32_t>(bytes.size() + 1));
    collector.skip(true);  // the body is not its business
    error_code error;
    const std::size_t parsed =
        collector.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    if (const char* complaint = collector.complaint(); !error && complaint != nullptr)
        return refuse(400, bad_request, complaint);
    if (error || parsed != bytes.size() || !collector.is_done())
        return refuse(400, bad_request, "The request line or a header is malformed.");
    if (collector.has_unknown_expectation())
        return refuse(417, "ExpectationFailed", "The only expectation understood is 100-continue.");
    head_.method = method_of(head_.method_text);
    head_.is_head = head_.method_text == "HEAD";
    if (!set_target(head_.target))
        return refuse(400, bad_request, "The request target is malformed.");
    return State::complete;
}

// origin-form, "*" of OPTIONS, or absolute-form, whose authority is left out.
// https://www.rfc-editor.org/rfc/rfc9112#section-3.2
bool HeadParser::set_target(std::string_view target) {
    if (target.find('#') != std::string_view::npos) return false;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!equals_lower_case(target.substr(0, scheme.size()), scheme)) continue;
        const std::size_t end = target.find_first_of("/?", scheme.size());
        target = end == std::string_view::npos ? "/" : target.substr(end);
        if (target.front() == '?') return false;
        break;
    }
    if (!target.starts_with('/') && !(target == "*" && head_.method == Method::options))
        return false;
    const std::size_t mark = target.find('?');
    head_.path = target.substr(0, mark);
    head_.query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
    return true;
}

}  // namespace roost::net
