#include "net/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace roost::net {

namespace {

std::string openssl_error() {
    const unsigned long code = ERR_peek_error();  // the first is the cause of the others
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    std::string text = reason == nullptr ? "unknown error" : reason;
    ERR_clear_error();
    return text;
}

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE; this one uses send(2).
int socket_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int bio_write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent = ::send(socket_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t got = ::recv(socket_of(bio), data, static_cast<std::size_t>(size), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
}

long bio_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return 0;
}

int bio_create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

BIO* new_socket_bio(int socket) {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
        check(made != nullptr, "OpenSSL has memory");
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_ctrl(made, bio_control);
        BIO_meth_set_create(made, bio_create);
        return made;
    }();
    BIO* bio = BIO_new(method);
    check(bio != nullptr, "OpenSSL has memory");
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
    return bio;
}

SSL_CTX* new_context(const SSL_METHOD* method) {
    ERR_clear_error();
    SSL_CTX* context = SSL_CTX_new(method);
    check(context != nullptr, "OpenSSL makes a context");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(
        context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // RELEASE_BUFFERS: an idle session keeps no record buffers.
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    // Only suites with forward secrecy and authenticated encryption.
    check(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1,
          "OpenSSL knows our cipher suites");
    return context;
}

Error bad_file(const std::string& what, const std::string& file) {
    std::string reason = openssl_error();
    if (::access(file.c_str(), R_OK) != 0) reason = "cannot be read";
    return Error::invalid("The TLS " + what + " " + file + ": " + reason + ".", "BadTlsFile");
}

// The application protocol: HTTP/1.1 whatever the client offers besides.
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
    static constexpr unsigned char ours[] = "\x08http/1.1";
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, chosen_size, ours, sizeof(ours) - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsContext::TlsContext(ssl_ctx_st* context) : context_(context, SSL_CTX_free) {}

Result<TlsContext> TlsContext::for_server(const TlsFiles& files) {
    TlsContext made(new_context(TLS_server_method()));
    SSL_CTX* context = made.get();
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate_chain.c_str()) != 1)
        return bad_file("certificate chain", files.certificate_chain);
    if (SSL_CTX_use_PrivateKey_file(context, files.private_key.c_str(), SSL_FILETYPE_PEM) != 1)
        return bad_file("private key", files.private_key);
    if (SSL_CTX_check_private_key(context) != 1) return bad_file("private key", files.private_key);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
    // Sessions are resumed by tickets, which cost the server no memory.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return made;
}

Result<TlsContext> TlsContext::for_client(const std::string& extra_authorities_file) {
    TlsContext made(new_context(TLS_client_method()));
    SSL_CTX* context = made.get();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_default_verify_paths(context);
    if (!extra_authorities_file.empty() &&
        SSL_CTX_load_verify_file(context, extra_authorities_file.c_str()) != 1)
        return bad_file("authorities", extra_authorities_file);
    ERR_clear_error();
    return made;
}

const TlsContext& ClientTls::context() const {
    std::call_once(once_, [this] {
        Result<TlsContext> made = TlsContext::for_client(extra_authorities_file_);
        check(made.has_value(), "the certificate authorities can be read");
        context_.emplace(*std::move(made));
    });
    return *context_;
}

void TlsSession::Free::operator()(ssl_st* session) const {
    SSL_free(session);
}

TlsSession::TlsSession(const TlsContext& context, int socket) : session_(SSL_new(context.get())) {
    check(session_ != nullptr, "OpenSSL has memory");
    BIO* bio = new_socket_bio(socket);
    SSL_set_bio(session_.get(), bio, bio);
}

TlsSession TlsSession::accept(const TlsContext& context, int socket) {
    TlsSession session(context, socket);
    SSL_set_accept_state(session.session_.get());
    return session;
}

TlsSession TlsSession::connect(const TlsContext& context, int socket, const std::string& host) {
    TlsSession session(context, socket);
    SSL* ssl = session.session_.get();
    SSL_set_connect_state(ssl);
    X509_VERIFY_PARAM* verify = SSL_get0_param(ssl);
    if (IpAddress::parse(host)) {
        check(X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) == 1, "an address is an address");
    } else {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        check(SSL_set1_host(ssl, host.c_str()) == 1, "OpenSSL takes a host name");
        check(SSL_set_tlsext_host_name(ssl, host.c_str()) == 1, "OpenSSL takes a host name");
    }
    return session;
}

IoResult TlsSession::outcome(int returned, std::size_t size) {
    if (returned == 1) return {IoStatus::done, size};
    switch (SSL_get_error(session_.get(), returned)) {
        case SSL_ERROR_WANT_READ:
            return {IoStatus::want_read};
        case SSL_ERROR_WANT_WRITE:
            return {IoStatus::want_write};
        case SSL_ERROR_ZERO_RETURN:
            return {IoStatus::ended};
        default:
            break;
    }
    is_broken_ = true;
    const long verified = SSL_get_verify_result(session_.get());
    failure_ = verified == X509_V_OK ? openssl_error() : X509_verify_cert_error_string(verified);
    ERR_clear_error();
    return {IoStatus::failed};
}

IoResult TlsSession::handshake() {
    ERR_clear_error();
    return outcome(SSL_do_handshake(session_.get()), 0);
}

IoResult TlsSession::read(char* data, std::size_t size) {
    ERR_clear_error();
    std::size_t got = 0;
    const int returned = SSL_read_ex(session_.get(), data, size, &got);
    return outcome(returned, got);
}

IoResult TlsSession::write(const char* data, std::size_t size) {
    ERR_clear_error();
    std::size_t sent = 0;
    const int returned = SSL_write_ex(session_.get(), data, size, &sent);
    return outcome(returned, sent);
}

void TlsSession::shutdown() {
    if (is_broken_ || SSL_in_init(session_.get()) != 0) return;
    ERR_clear_error();
    SSL_shutdown(session_.get());
    ERR_clear_error();
}

std::string TlsSession::failure() const {
    return failure_;
}

}  // namespace roost::net
