#ifndef PUBSUBGW_CSHIMS_OPENSSL_H
#define PUBSUBGW_CSHIMS_OPENSSL_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stddef.h>
#include <stdint.h>

// Before any other call into OpenSSL. A library inside of somebody's process must not leave an
// exit handler behind; where the host uses OpenSSL itself, its own start has already decided.
static inline void cshims_openssl_start(void) {
    OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL);
}

// Macros of ssl.h.
static inline int cshims_ssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}
// `max` 0: the newest.
static inline void cshims_ssl_context_set_versions(SSL_CTX *context, int min, int max) {
    SSL_CTX_set_min_proto_version(context, min);
    SSL_CTX_set_max_proto_version(context, max);
}
static inline void cshims_ssl_context_trust_partial_chains(SSL_CTX *context) {
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
}
static inline void cshims_ssl_context_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    // A peer that ends without close_notify ends all the same: what is carried here says by
    // itself where it ends.
    SSL_CTX_set_options(
        context,
        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
}
// Adds an intermediate certificate, which stays the caller's too.
static inline int cshims_ssl_context_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}
// A password callback that has none: without it, OpenSSL asks on the terminal.
static inline int cshims_no_password(char *buffer, int size, int writing, void *argument) {
    (void)buffer, (void)size, (void)writing, (void)argument;
    return -1;
}
static inline EVP_PKEY *cshims_read_private_key(BIO *bio) {
    return PEM_read_bio_PrivateKey(bio, NULL, cshims_no_password, NULL);
}
static inline X509 *cshims_read_certificate(BIO *bio) {
    return PEM_read_bio_X509(bio, NULL, cshims_no_password, NULL);
}
static inline int cshims_error_is_end_of_pem(unsigned long error) {
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}
// The peer spoke something else: plain Kafka, HTTP.
static inline int cshims_error_is_no_tls(unsigned long error) {
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) return 0;
    switch (ERR_GET_REASON(error)) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST:
        case SSL_R_UNKNOWN_PROTOCOL:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
        case SSL_R_RECORD_LENGTH_MISMATCH:
        case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
            return 1;
        default:
            return 0;
    }
}
// Our verification of the peer's certificate: SSL_get_verify_result says why.
static inline int cshims_error_is_verification(unsigned long error) {
    return ERR_GET_LIB(error) == ERR_LIB_SSL &&
           ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED;
}
// An alert that the peer sent.
static inline int cshims_error_is_alert(unsigned long error) {
    return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) >= SSL_AD_REASON_OFFSET;
}

// The socket side of a TLS connection, as a BIO: reads come from the socket, what TLS writes is
// collected, so that several records leave in one send, and never raises SIGPIPE (OpenSSL's own
// socket BIO calls write(2)).
typedef struct cshims_tls_wire {
    int socket;
    int error;         // errno of the receive or send that failed, or 0
    int ended;         // 1 once the peer's end of stream was read
    uint8_t *output;
    size_t sent;       // bytes of output that have left
    size_t filled;     // bytes of output that TLS wrote
    size_t capacity;
} cshims_tls_wire;

// Gives `ssl` a wire over `socket`, which stays the caller's. The wire dies with the SSL object.
// NULL without memory.
cshims_tls_wire *cshims_tls_attach(SSL *ssl, int socket);

// Sends what was collected. 1 when everything has left, 0 when the socket takes no more, -1 with
// `error` set.
int cshims_tls_flush(cshims_tls_wire *wire);

#endif
