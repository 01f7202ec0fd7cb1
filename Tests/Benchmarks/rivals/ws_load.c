/* Closed-loop messages: each of N connections keeps W messages in flight; each frame that comes
 * back is a reply, and what one read brought is answered by one write.
 *
 *   ws_load [--tls] PORT PATH CONNECTIONS IN_FLIGHT MESSAGES PAYLOAD
 *
 * MESSAGES: how many, or 5s: as many as five seconds allow. PAYLOAD: a number of bytes, or `ping`
 * (a PubSubReq with a CmdPing), `ping:BYTES` (with that much state), or hex:... for any other.
 * Prints: messages bytes seconds. Masked replies pass too: a raw echo of bytes is a rival.
 * --tls needs -DWITH_TLS, -lssl and -lcrypto. */
#define _GNU_SOURCE
#include "websocket_client.h"
#include <sys/epoll.h>
#include <time.h>

#ifdef WITH_TLS
#include <openssl/ssl.h>
#else
typedef void SSL;
#endif

struct connection { int fd; SSL *tls; size_t have; uint8_t *in; };
enum { BUFFER = 131072 };
static uint8_t shared[BUFFER], *frames;
static size_t frame_size;
static uint64_t left_to_send, replies, bytes;

/* A PubSubReq{sequence 7, cmd_ping{state}}. */
static size_t ping_of(uint8_t *payload, size_t state, size_t room) {
    uint8_t inner[16];
    size_t n = 0, inner_head = 0;
    if (state + 32 > room) { fprintf(stderr, "at most %zu bytes\n", room - 32); exit(2); }
    inner[inner_head++] = 0x0a;
    inner_head += put_varint(inner + inner_head, state);
    payload[n++] = 0x08; payload[n++] = 7; payload[n++] = 0x82; payload[n++] = 0x02;
    n += put_varint(payload + n, inner_head + state);
    memcpy(payload + n, inner, inner_head);
    n += inner_head;
    memset(payload + n, 's', state);
    return n + state;
}

static size_t payload_of(const char *text, uint8_t *payload, size_t room) {
    static const uint8_t ping[] = {0x08, 7, 0x82, 0x02, 7, 0x0a, 5, 's', 't', 'a', 't', 'e'};
    if (!strcmp(text, "ping")) { memcpy(payload, ping, sizeof ping); return sizeof ping; }
    if (!strncmp(text, "ping:", 5)) return ping_of(payload, (size_t)atol(text + 5), room);
    if (strncmp(text, "hex:", 4)) {
        size_t n = (size_t)atol(text);
        if (n > room) { fprintf(stderr, "at most %zu bytes\n", room); exit(2); }
        memset(payload, 'x', n);
        return n;
    }
    size_t n = 0;
    for (unsigned byte; n < room && sscanf(text + 4 + 2 * n, "%2x", &byte) == 1; n++) payload[n] = (uint8_t)byte;
    return n;
}

static ssize_t put(void *connection, const uint8_t *bytes, size_t n) {
    struct connection *c = connection;
#ifdef WITH_TLS
    if (c->tls) return SSL_write(c->tls, bytes, (int)n);
#endif
    return send(c->fd, bytes, n, MSG_NOSIGNAL);
}

static ssize_t get(void *connection, uint8_t *bytes, size_t room) {
    struct connection *c = connection;
#ifdef WITH_TLS
    if (c->tls) return SSL_read(c->tls, bytes, (int)room);
#endif
    return recv(c->fd, bytes, room, 0);
}

static int has_more(struct connection *c) {
#ifdef WITH_TLS
    if (c->tls) return SSL_pending(c->tls) > 0;
#endif
    return c->tls != NULL;
}

static void ask(struct connection *c, size_t count) {
    if (count > left_to_send) count = left_to_send;
    left_to_send -= count;
    const uint8_t *at = frames;
    for (size_t n = count * frame_size; n;) {
        ssize_t k = put(c, at, n);
        if (k <= 0) { perror("send"); exit(1); }
        at += k; n -= (size_t)k;
    }
}

/* Whole frames in `in`; how many bytes they take. */
static size_t count_frames(const uint8_t *in, size_t n, size_t *count) {
    size_t at = 0;
    for (uint64_t length; at < n; (*count)++) {
        size_t head = websocket_header(in + at, n - at, &length);
        if (!head) break;
        if (in[at + 1] & 0x80) head += 4;
        if (n - at < head + length) break;
        if ((in[at] & 0x0f) == 8) { fprintf(stderr, "closed by the server\n"); exit(1); }
        at += head + length;
    }
    return at;
}

static void receive(struct connection *c) {
    if (c->have) memcpy(shared, c->in, c->have);
    ssize_t n = get(c, shared + c->have, sizeof shared - c->have);
    if (n <= 0) { fprintf(stderr, "connection lost\n"); exit(1); }
    bytes += (size_t)n;
    size_t have = c->have + (size_t)n, count = 0, used = count_frames(shared, have, &count);
    c->have = have - used;
    if (c->have) {
        if (!c->in) c->in = malloc(BUFFER);
        memcpy(c->in, shared + used, c->have);
    }
    replies += count;
    if (count) ask(c, count);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void open_connection(struct connection *c, int tls, int port, const char *path) {
    c->fd = websocket_socket(port);
#ifdef WITH_TLS
    static SSL_CTX *context;
    if (!context) context = SSL_CTX_new(TLS_client_method());
    if (tls) {
        c->tls = SSL_new(context);
        SSL_set_fd(c->tls, c->fd);
        if (SSL_connect(c->tls) != 1) { fprintf(stderr, "TLS failed\n"); exit(1); }
    }
#else
    if (tls) { fprintf(stderr, "built without TLS\n"); exit(2); }
#endif
    websocket_upgrade(port, path, c, put, get);
}

int main(int argc, char **argv) {
    int tls = argc > 1 && !strcmp(argv[1], "--tls");
    argc -= tls; argv += tls;
    if (argc != 7) { fprintf(stderr, "usage: ws_load [--tls] PORT PATH CONNECTIONS IN_FLIGHT MESSAGES PAYLOAD\n"); return 2; }
    size_t connections = (size_t)atol(argv[3]), in_flight = (size_t)atol(argv[4]);
    char *unit;
    uint64_t messages = strtoull(argv[5], &unit, 10);
    double span = *unit == 's' ? (double)messages : 0;
    if (span > 0) messages = UINT64_MAX;
    static uint8_t payload[65535], one[65550];
    frame_size = websocket_frame(one, payload, payload_of(argv[6], payload, sizeof payload));
    frames = malloc(frame_size * in_flight);      /* never more replies at once than in flight */
    for (size_t i = 0; i < in_flight; i++) memcpy(frames + i * frame_size, one, frame_size);
    struct connection *all = calloc(connections, sizeof *all);
    int loop = epoll_create1(0);
    for (size_t i = 0; i < connections; i++) {
        open_connection(all + i, tls, atoi(argv[1]), argv[2]);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = all + i};
        epoll_ctl(loop, EPOLL_CTL_ADD, all[i].fd, &e);
    }
    left_to_send = messages;
    double start = now();
    for (size_t i = 0; i < connections; i++) ask(all + i, in_flight);
    struct epoll_event ready[256];
    while (replies < messages) {
        if (span > 0 && messages == UINT64_MAX && now() - start >= span) {
            /* What is in flight is answered still. */
            messages -= left_to_send;
            left_to_send = 0;
            continue;
        }
        int k = epoll_wait(loop, ready, 256, 30000);
        if (k == 0) { fprintf(stderr, "no reply for 30 s\n"); return 1; }
        for (int i = 0; i < k; i++)
            do receive(ready[i].data.ptr); while (has_more(ready[i].data.ptr));
    }
    printf("%llu %llu %.6f\n", (unsigned long long)replies, (unsigned long long)bytes, now() - start);
    return 0;
}
