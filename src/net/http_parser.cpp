#include "net/http_parser.h"

#include <algorithm>
#include <charconv>

#include "net/ascii.h"

namespace roost::net {

namespace {

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

constexpr CharTable host_chars{[](char c) {
    return is_alphanumeric(c) || std::string_view("-._~:[]%").find(c) != std::string_view::npos;
}};

// The line up to its CR LF, which is cut off the front. scan() has seen to it that there is one.
std::string_view take_line(std::string_view& bytes) {
    const std::size_t end = bytes.find('\n');
    const std::string_view line = bytes.substr(0, end - 1);
    bytes.remove_prefix(end + 1);
    return line;
}

// Puts the headers into the head, and minds those that say how the request is framed.
class Fields {
  public:
    explicit Fields(RequestHead& head) : head_(head) {}

    // False if it is malformed.
    bool add(std::string_view line) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) return false;
        const Header header{line.substr(0, colon), trimmed(line.substr(colon + 1))};
        if (!is_token(header.name) || !is_field_text(header.value)) return false;
        head_.headers.push_back(header);
        note(header);
        return true;
    }
    void end() {
        head_.keeps_alive =
            head_.is_http_1_0 ? is_to_be_kept_ && !is_to_be_closed_ : !is_to_be_closed_;
    }
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
    void note(const Header& header) {
        const auto is = [&](std::string_view name) { return equals_lower_case(header.name, name); };
        const std::string_view value = header.value;
        if (is("host")) {
            if (++hosts_ > 1) complain("There is more than one Host header.");
            if (!host_chars.has_all_of(value)) complain("The Host header is malformed.");
        } else if (is("authorization")) {
            if (++authorizations_ > 1) complain("There is more than one Authorization header.");
        } else if (is("connection")) {
            note_connection(value);
        } else if (is("content-length")) {
            if (head_.content_length) complain("There is more than one Content-Length.");
            head_.content_length = parse_content_length(value);
            if (!head_.content_length) complain("The Content-Length is malformed.");
        } else if (is("transfer-encoding")) {
            if (head_.is_chunked) complain("There is more than one Transfer-Encoding.");
            head_.is_chunked = true;
            if (!equals_lower_case(value, "chunked"))
                complain("The only Transfer-Encoding understood is \"chunked\".");
        } else if (is("content-encoding")) {
            // Two headers are two encodings: a comma keeps them from passing as one.
            head_.content_encoding = head_.content_encoding.empty() ? value : ",";
        } else if (is("expect")) {
            head_.expects_continue = equals_lower_case(value, "100-continue");
            if (!head_.expects_continue) has_unknown_expectation_ = true;
        }
    }
    void note_connection(std::string_view list) {
        while (!list.empty()) {
            const std::size_t comma = std::min(list.find(','), list.size());
            const std::string_view option = trimmed(list.substr(0, comma));
            list.remove_prefix(std::min(comma + 1, list.size()));
            if (!option.empty() && !is_token(option))
                complain("The Connection header is malformed.");
            if (equals_lower_case(option, "close")) is_to_be_closed_ = true;
            if (equals_lower_case(option, "keep-alive")) is_to_be_kept_ = true;
        }
    }

    RequestHead& head_;
    const char* complaint_ = nullptr;
    int hosts_ = 0;
    int authorizations_ = 0;
    bool has_unknown_expectation_ = false;
    bool is_to_be_closed_ = false;
    bool is_to_be_kept_ = false;
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

// https://www.rfc-editor.org/rfc/rfc9112#section-3
bool HeadParser::read_request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.size() - std::string_view(" HTTP/1.1").size();
    if (first >= last) return false;
    head_.method_text = line.substr(0, first);
    head_.target = line.substr(first + 1, last - first - 1);
    head_.is_http_1_0 = line.back() == '0';
    head_.method = method_of(head_.method_text);
    head_.is_head = head_.method_text == "HEAD";
    return is_token(head_.method_text) && !head_.target.empty() && !has_control(head_.target) &&
           head_.target.find(' ') == std::string_view::npos;
}

HeadParser::State HeadParser::parse_whole(std::string_view bytes) {
    constexpr std::string_view malformed = "The request line or a header is malformed.";
    if (!read_request_line(take_line(bytes))) return refuse(400, bad_request, malformed);
    Fields fields(head_);
    for (std::string_view line = take_line(bytes); !line.empty(); line = take_line(bytes))
        if (!fields.add(line)) return refuse(400, bad_request, malformed);
    fields.end();
    if (const char* complaint = fields.complaint(); complaint != nullptr)
        return refuse(400, bad_request, complaint);
    if (fields.has_unknown_expectation())
        return refuse(417, "ExpectationFailed", "The only expectation understood is 100-continue.");
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
