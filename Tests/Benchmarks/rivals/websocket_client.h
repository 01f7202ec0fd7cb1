/* The least of a WebSocket client that a load generator needs: connect, upgrade, a masked binary
 * frame, the header of an unmasked one. Shared by the load generators; not a library. */
#ifndef WEBSOCKET_CLIENT_H
#define WEBSOCKET_CLIENT_H
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How the bytes of a connection are written and read: plain or through TLS. */
typedef ssize_t (*websocket_put)(void *connection, const uint8_t *bytes, size_t n);
typedef ssize_t (*websocket_get)(void *connection, uint8_t *bytes, size_t room);

/* A blocking connection to 127.0.0.1:port; ends the program on failure, as the others do. */
static inline int websocket_socket(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) { perror("connect"); exit(1); }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static inline void websocket_upgrade(int port, const char *path, void *connection, websocket_put put,
                                     websocket_get get) {
    char head[2048];
    int n = snprintf(head, sizeof head,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, port);
    if (put(connection, (uint8_t *)head, (size_t)n) != n) { perror("write"); exit(1); }
    size_t got = 0;
    while (got < sizeof head - 1) {               /* byte by byte: nothing behind the head is lost */
        if (get(connection, (uint8_t *)head + got, 1) != 1) { fprintf(stderr, "closed in the handshake\n"); exit(1); }
        head[++got] = 0;
        if (got >= 4 && !memcmp(head + got - 4, "\r\n\r\n", 4)) break;
    }
    if (strncmp(head, "HTTP/1.1 101", 12)) { fprintf(stderr, "refused: %s\n", head); exit(1); }
}

static inline ssize_t websocket_put_plain(void *fd, const uint8_t *bytes, size_t n) {
    return send(*(int *)fd, bytes, n, MSG_NOSIGNAL);
}

static inline ssize_t websocket_get_plain(void *fd, uint8_t *bytes, size_t room) {
    return recv(*(int *)fd, bytes, room, 0);
}

/* A plain connection that has been upgraded. */
static inline int websocket_connect(int port, const char *path) {
    int fd = websocket_socket(port);
    websocket_upgrade(port, path, &fd, websocket_put_plain, websocket_get_plain);
    return fd;
}

/* Writes a masked binary frame of at most 65535 bytes to `out`; answers its length. */
static inline size_t websocket_frame(uint8_t *out, const uint8_t *payload, size_t n) {
    size_t at = 0;
    out[at++] = 0x82;
    if (n < 126) out[at++] = 0x80 | (uint8_t)n;
    else { out[at++] = 0x80 | 126; out[at++] = (uint8_t)(n >> 8); out[at++] = (uint8_t)n; }
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    memcpy(out + at, mask, 4); at += 4;
    for (size_t i = 0; i < n; i++) out[at + i] = payload[i] ^ mask[i & 3];
    return at + n;
}

/* The header of a server's frame: its length, or 0 if `n` bytes are not enough. */
static inline size_t websocket_header(const uint8_t *in, size_t n, uint64_t *length) {
    if (n < 2) return 0;
    uint64_t size = in[1] & 0x7f;
    if (size < 126) { *length = size; return 2; }
    if (size == 126) { if (n < 4) return 0; *length = (uint64_t)in[2] << 8 | in[3]; return 4; }
    if (n < 10) return 0;
    size = 0;
    for (int i = 2; i < 10; i++) size = size << 8 | in[i];
    *length = size;
    return 10;
}

static inline size_t put_varint(uint8_t *out, uint64_t v) {
    size_t n = 0;
    while (v >= 0x80) { out[n++] = (uint8_t)v | 0x80; v >>= 7; }
    out[n++] = (uint8_t)v;
    return n;
}

static inline size_t get_varint(const uint8_t *in, const uint8_t *end, uint64_t *v) {
    *v = 0;
    for (size_t n = 0; in + n < end && n < 10; n++) {
        *v |= (uint64_t)(in[n] & 0x7f) << (7 * n);
        if (in[n] < 0x80) return n + 1;
    }
    return 0;
}
#endif
