#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cshims-openssl.h"

// An idle connection keeps no more than this.
enum { kept_capacity = 16 * 1024 };

static int would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

static int wire_read(BIO *bio, char *into, size_t count, size_t *got) {
    cshims_tls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *got = 0;
    ssize_t received;
    do received = recv(wire->socket, into, count, MSG_DONTWAIT);
    while (received < 0 && errno == EINTR);
    if (received > 0) {
        *got = (size_t)received;
        return 1;
    }
    if (received == 0)
        wire->ended = 1;
    else if (would_block(errno))
        BIO_set_retry_read(bio);
    else
        wire->error = errno;
    return 0;
}

static int reserve(cshims_tls_wire *wire, size_t more) {
    if (wire->capacity - wire->filled >= more) return 1;
    size_t capacity = wire->capacity ? wire->capacity : kept_capacity;
    while (capacity - wire->filled < more) capacity *= 2;
    uint8_t *moved = realloc(wire->output, capacity);
    if (!moved) return 0;
    wire->output = moved;
    wire->capacity = capacity;
    return 1;
}

static int wire_write(BIO *bio, const char *from, size_t count, size_t *taken) {
    cshims_tls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *taken = 0;
    if (!reserve(wire, count)) {
        wire->error = ENOMEM;
        return 0;
    }
    memcpy(wire->output + wire->filled, from, count);
    wire->filled += count;
    *taken = count;
    return 1;
}

static long wire_control(BIO *bio, int command, long number, void *pointer) {
    (void)number, (void)pointer;
    cshims_tls_wire *wire = BIO_get_data(bio);
    switch (command) {
        case BIO_CTRL_FLUSH: return 1;
        case BIO_CTRL_EOF: return wire->ended;
        default: return 0;
    }
}

static int wire_destroy(BIO *bio) {
    cshims_tls_wire *wire = BIO_get_data(bio);
    if (wire) free(wire->output);
    free(wire);
    BIO_set_data(bio, NULL);
    return 1;
}

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

// Made once and never freed: the library stays loaded.
static void make_method(void) {
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pubsubgw wire");
    if (!made) return;
    BIO_meth_set_read_ex(made, wire_read);
    BIO_meth_set_write_ex(made, wire_write);
    BIO_meth_set_ctrl(made, wire_control);
    BIO_meth_set_destroy(made, wire_destroy);
    method = made;
}

cshims_tls_wire *cshims_tls_attach(SSL *ssl, int socket) {
    pthread_once(&method_once, make_method);
    BIO *bio = method ? BIO_new(method) : NULL;
    cshims_tls_wire *wire = bio ? calloc(1, sizeof *wire) : NULL;
    if (!wire) {
        BIO_free(bio);
        return NULL;
    }
    wire->socket = socket;
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return wire;
}

static void emptied(cshims_tls_wire *wire) {
    wire->sent = wire->filled = 0;
    if (wire->capacity <= kept_capacity) return;
    free(wire->output);
    wire->output = NULL;
    wire->capacity = 0;
}

int cshims_tls_flush(cshims_tls_wire *wire) {
    while (wire->sent < wire->filled) {
        ssize_t left = send(
            wire->socket, wire->output + wire->sent, wire->filled - wire->sent,
            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (left >= 0) {
            wire->sent += (size_t)left;
        } else if (would_block(errno)) {
            return 0;
        } else if (errno != EINTR) {
            wire->error = errno;
            return -1;
        }
    }
    emptied(wire);
    return 1;
}
