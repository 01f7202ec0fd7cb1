/* The sockets' limit for a fan-out: a WebSocket server that writes each batch to every client as
 * one frame with one write, and does nothing else. The frame is what a subscription's push looks
 * like: made once, the same for all.
 *
 *   fan_out RECORD_BYTES      prints its port; each line "RECORDS STAMP" of its input is one batch,
 *                             whose values begin with STAMP (16 characters) */
#include <sys/epoll.h>
#include "websocket_accept.h"

enum { CLIENTS_MAX = 20000, RECORDS_MAX = 1000 };

struct client { int fd, upgraded; size_t have; char in[2048]; };
static struct client *clients[CLIENTS_MAX];
static size_t client_count, record_bytes;

static size_t message(uint8_t *out, uint64_t offset, const char *stamp) {
    uint8_t body[4096];
    size_t n = 0, m = 0;
    body[n++] = 0x08; n += put_varint(body + n, offset);
    body[n++] = 0x10; n += put_varint(body + n, 1700000000000ull);
    body[n++] = 0x22; n += put_varint(body + n, record_bytes);
    memset(body + n, 'x', record_bytes); memcpy(body + n, stamp, 16); n += record_bytes;
    out[m++] = 0x0a; m += put_varint(out + m, n);
    memcpy(out + m, body, n);
    return m + n;
}

/* A PubSubResp with a SubscribeResp of `records` records, as one frame. */
static size_t frame(uint8_t *out, size_t records, const char *stamp) {
    static uint8_t nested[RECORDS_MAX * 4200];
    static uint64_t offset;
    uint8_t head[32];
    size_t n = 0, m = 0, at = 0;
    for (size_t i = 0; i < records; i++) n += message(nested + n, offset++, stamp);
    nested[n++] = 0x12; nested[n++] = 3; memcpy(nested + n, "fan", 3); n += 3;      /* the topic */
    nested[n++] = 0x20; n += put_varint(nested + n, offset);                         /* next_offset */
    head[m++] = 0x08; head[m++] = 7;
    head[m++] = 0xaa; head[m++] = 0x06; m += put_varint(head + m, n);                /* 101 */
    out[at++] = 0x82;
    if (n + m < 126) out[at++] = (uint8_t)(n + m);
    else if (n + m < 65536) { out[at++] = 126; out[at++] = (uint8_t)((n + m) >> 8); out[at++] = (uint8_t)(n + m); }
    else { out[at++] = 127; for (int i = 56; i >= 0; i -= 8) out[at++] = (uint8_t)((uint64_t)(n + m) >> i); }
    memcpy(out + at, head, m); at += m;
    memcpy(out + at, nested, n);
    return at + n;
}

static void batch(const char *line) {
    static uint8_t out[RECORDS_MAX * 4200 + 64];
    char stamp[17];
    size_t records;
    if (sscanf(line, "%zu %16s", &records, stamp) != 2 || records > RECORDS_MAX) exit(2);
    size_t size = frame(out, records, stamp);
    for (size_t i = 0; i < client_count; i++)
        if (send(clients[i]->fd, out, size, MSG_NOSIGNAL) != (ssize_t)size) { perror("send"); exit(1); }
}

static void upgrade(struct client *c) {
    websocket_accept(c->fd, c->in);
    c->upgraded = 1; c->have = 0;
}

static void greet(int loop, int listener) {
    int one = 1;
    struct client *c = calloc(1, sizeof *c);
    if (client_count == CLIENTS_MAX) exit(2);
    c->fd = accept(listener, 0, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &e);
    clients[client_count++] = c;
}

static void receive(struct client *c) {
    ssize_t n = read(c->fd, c->in + c->have, sizeof c->in - 1 - c->have);
    if (n <= 0) exit(0);
    c->have += (size_t)n; c->in[c->have] = 0;
    if (!c->upgraded && strstr(c->in, "\r\n\r\n")) upgrade(c);
}

int main(int argc, char **argv) {
    if (argc != 2 || (record_bytes = (size_t)atol(argv[1])) < 16 || record_bytes > 4000) return 2;
    int listener = socket(AF_INET, SOCK_STREAM, 0), loop = epoll_create1(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    bind(listener, (struct sockaddr *)&at, sizeof at);
    listen(listener, 512);
    getsockname(listener, (struct sockaddr *)&at, &size);
    printf("%d\n", ntohs(at.sin_port)); fflush(stdout);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &listener}, ready[64];
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &e);
    e.data.ptr = NULL;
    epoll_ctl(loop, EPOLL_CTL_ADD, 0, &e);
    char lines[65536];
    size_t have = 0;
    for (;;) {
        int k = epoll_wait(loop, ready, 64, -1);
        for (int i = 0; i < k; i++) {
            if (ready[i].data.ptr == &listener) { greet(loop, listener); continue; }
            if (ready[i].data.ptr) { receive(ready[i].data.ptr); continue; }
            ssize_t n = read(0, lines + have, sizeof lines - 1 - have);
            if (n <= 0) return 0;
            lines[have += (size_t)n] = 0;
            for (char *end; (end = strchr(lines, '\n')); memmove(lines, end + 1, have + 1)) {
                batch(lines);
                have -= (size_t)(end + 1 - lines);
            }
        }
    }
}
