#ifndef PUBSUBGW_CSHIMS_OPENSSL_H
#define PUBSUBGW_CSHIMS_OPENSSL_H

#include <openssl/err.h>
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
static inline int cshims_ssl_context_set_minimum_tls12(SSL_CTX *context) {
    return (int)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}
static inline void cshims_ssl_context_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}
static inline void cshims_ssl_context_set_session_cache(SSL_CTX *context, int on_server) {
    SSL_CTX_set_session_cache_mode(context, on_server ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
}
static inline int cshims_error_library(unsigned long error) { return ERR_GET_LIB(error); }
static inline int cshims_error_reason(unsigned long error) { return ERR_GET_REASON(error); }

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
