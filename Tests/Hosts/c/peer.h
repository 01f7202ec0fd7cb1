/* What the C hosts under test share: checks, a gateway with a route that needs no broker, and the
 * client's half of WebSocket, blocking. */
#ifndef PEER_H
#define PEER_H
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pubsubgw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s (errno %s, last error: %s)\n", __FILE__, __LINE__, \
                    #condition, strerror(errno), pubsubgw_last_error()); \
            abort(); \
        } \
    } while (0)
#define IS(call, status) \
    do { \
        int got = (call); \
        if (got != (status)) { \
            fprintf(stderr, "%s:%d: %s is %d %s, not %s (%s)\n", __FILE__, __LINE__, #call, got, \
                    pubsubgw_error_name(got), #status, pubsubgw_last_error()); \
            abort(); \
        } \
    } while (0)
#define UNUSED __attribute__((unused))

enum { WAIT_MS = 60000 };               /* generous: the machine may be busy */
static const char KEY[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char ROUTE[] =
    "{\"uri\": \"/kafka\", \"upstream\": {\"scheme\": \"kafka\", \"nodes\": {\"127.0.0.1:1\": 1}}}";

static UNUSED pubsubgw_gateway *gateway(const char *config)
{
    pubsubgw_gateway *g = NULL;
    IS(pubsubgw_new(config, &g), 0);
    IS(pubsubgw_route_put(g, "k", ROUTE, strlen(ROUTE)), 0);
    IS(pubsubgw_start(g), 0);
    return g;
}

static UNUSED pubsubgw_open opening(pubsubgw_queue *q, uint64_t user_data)
{
    pubsubgw_open o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.route_id = "k";
    o.queue = q;
    o.user_data = user_data;
    return o;
}

/* The next event; fails after WAIT_MS. Its data are valid until the next call. */
static UNUSED pubsubgw_event next_event(pubsubgw_queue *q)
{
    pubsubgw_event e;
    int n = pubsubgw_queue_wait(q, &e, 1, sizeof e, WAIT_MS);
    MUST(n == 1);
    return e;
}

static UNUSED int no_event(pubsubgw_queue *q, int milliseconds)
{
    pubsubgw_event e;
    return pubsubgw_queue_wait(q, &e, 1, sizeof e, milliseconds) == 0;
}

/* Two connected TCP sockets: the host's, and the client's. */
static UNUSED void tcp_pair(int *host, int *client)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t size = sizeof a;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 1) == 0);
    MUST(getsockname(listener, (struct sockaddr *)&a, &size) == 0);
    *client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(connect(*client, (struct sockaddr *)&a, sizeof a) == 0);
    *host = accept(listener, NULL, NULL);
    MUST(*host >= 0);
    setsockopt(*host, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(*client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    close(listener);
}

static UNUSED void send_all(int fd, const void *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            MUST(poll(&p, 1, WAIT_MS) == 1);
            continue;
        }
        MUST(n > 0);
        data = (const char *)data + n;
        len -= (size_t)n;
    }
}

/* Exactly `len` bytes; 0 when the stream ends before. */
static UNUSED int receive_all(int fd, void *data, size_t len)
{
    while (len > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        MUST(poll(&p, 1, WAIT_MS) == 1);
        ssize_t n = recv(fd, data, len, 0);
        if (n < 0 && errno == EAGAIN) continue;
        if (n <= 0) return 0;
        data = (char *)data + n;
        len -= (size_t)n;
    }
    return 1;
}

static UNUSED int at_end(int fd)
{
    char byte;
    return !receive_all(fd, &byte, 1);
}

/* A masked frame of a client; returns its size. The mask is not zero, so that unmasking shows. */
static UNUSED size_t frame(uint8_t *out, int opcode, const void *data, size_t len)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    size_t n = 0;
    out[n++] = (uint8_t)(0x80 | opcode);
    if (len < 126) {
        out[n++] = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        out[n++] = 0x80 | 126;
        out[n++] = (uint8_t)(len >> 8);
        out[n++] = (uint8_t)len;
    } else {
        out[n++] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8) out[n++] = (uint8_t)((uint64_t)len >> shift);
    }
    memcpy(out + n, mask, 4);
    n += 4;
    for (size_t i = 0; i < len; i++) out[n + i] = ((const uint8_t *)data)[i] ^ mask[i & 3];
    return n + len;
}

static UNUSED size_t varint(uint8_t *out, uint64_t value)
{
    size_t n = 0;
    for (; value > 127; value >>= 7) out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}

/* PubSubReq{sequence, cmd_ping{state}}, of which PubSubResp{sequence, pong_resp{state}} has the
 * same bytes. `out` has room for `len` and 32 bytes. */
static UNUSED size_t ping(uint8_t *out, uint64_t sequence, const void *state, size_t len)
{
    uint8_t inner[16];
    size_t n = 0, head = 0;
    inner[head++] = 0x0a;
    head += varint(inner + head, len);
    out[n++] = 0x08;
    n += varint(out + n, sequence);
    out[n++] = 0x82;
    out[n++] = 0x02;
    n += varint(out + n, head + len);
    memcpy(out + n, inner, head);
    memcpy(out + n + head, state, len);
    return n + head + len;
}

/* One frame of the server: its opcode, and its payload in `data` of room `cap`. -1: the end. */
static UNUSED int receive_frame(int fd, uint8_t *data, size_t cap, size_t *len)
{
    uint8_t head[8];
    if (!receive_all(fd, head, 2)) return -1;
    int opcode = head[0] & 15;
    MUST((head[0] & 0x70) == 0 && (head[1] & 0x80) == 0);
    size_t n = head[1];
    if (n >= 126) {
        int bytes = n == 126 ? 2 : 8;
        MUST(receive_all(fd, head, (size_t)bytes));
        n = 0;
        for (int i = 0; i < bytes; i++) n = n << 8 | head[i];
    }
    MUST(n <= cap && receive_all(fd, data, n));
    *len = n;
    return opcode;
}

/* Reads a response head: its status. */
static UNUSED int receive_head(int fd)
{
    char text[4096];
    size_t n = 0;
    while (n < 4 || memcmp(text + n - 4, "\r\n\r\n", 4) != 0) {
        MUST(n < sizeof text && receive_all(fd, text + n, 1));
        n++;
    }
    MUST(memcmp(text, "HTTP/1.1 ", 9) == 0);
    return atoi(text + 9);
}

/* A ping of `len` bytes, there and back. */
static UNUSED void round_trip(int fd, size_t len)
{
    uint8_t *message = malloc(len + 64), *out = malloc(len + 80), *in = malloc(len + 64);
    for (size_t i = 0; i < len; i++) in[i] = (uint8_t)(i * 7);
    size_t size = ping(message, 5, in, len), got = 0;
    send_all(fd, out, frame(out, 2, message, size));
    MUST(receive_frame(fd, in, len + 64, &got) == 2);
    MUST(got == size && memcmp(in, message, size) == 0);
    free(message);
    free(out);
    free(in);
}

/* The server's Close frame: its code. */
static UNUSED int receive_close(int fd)
{
    uint8_t data[125];
    size_t len = 0;
    MUST(receive_frame(fd, data, sizeof data, &len) == 8);
    return len < 2 ? 1005 : data[0] << 8 | data[1];
}

static UNUSED void send_close(int fd, int code)
{
    uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code}, out[16];
    send_all(fd, out, frame(out, 8, payload, 2));
}
#endif
