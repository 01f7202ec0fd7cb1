/* The sockets' limit: a WebSocket server that answers every frame with a prebuilt fetch reply. It
 * holds REPLIES of them and each connection goes through them in turn, so that its memory is as
 * cold as that of a server that holds as many records.
 *
 *   prebuilt_server REPLY_BYTES RECORD_BYTES REPLIES      prints its port */
#include <sys/epoll.h>
#include "websocket_accept.h"

static uint8_t **replies;
static size_t reply_size, reply_count;

static size_t message(uint8_t *out, uint64_t offset, size_t size) {
    uint8_t body[4096];
    size_t n = 0, m = 0;
    body[n++] = 0x08; n += put_varint(body + n, offset);
    body[n++] = 0x10; n += put_varint(body + n, 1700000000000ull);
    body[n++] = 0x22; n += put_varint(body + n, size); memset(body + n, 'x', size); n += size;
    out[m++] = 0x0a; m += put_varint(out + m, n);
    memcpy(out + m, body, n);
    return m + n;
}

static void build(size_t wanted, size_t record) {
    uint8_t *nested = malloc(wanted + 8192);
    size_t n = 0, m = 0;
    for (uint64_t offset = 1000; n + record + 24 < wanted; offset++) n += message(nested + n, offset, record);
    uint8_t head[64];
    head[m++] = 0x08; head[m++] = 7;
    head[m++] = 0x8a; head[m++] = 0x02; m += put_varint(head + m, n);
    uint8_t *reply = malloc(n + 128);
    reply[0] = 0x82; reply[1] = 127;
    for (int i = 0; i < 8; i++) reply[2 + i] = (uint8_t)((uint64_t)(n + m) >> (56 - 8 * i));
    memcpy(reply + 10, head, m); memcpy(reply + 10 + m, nested, n);
    reply_size = 10 + m + n;
    replies = malloc(reply_count * sizeof *replies);
    replies[0] = reply;
    for (size_t i = 1; i < reply_count; i++) replies[i] = memcpy(malloc(reply_size), reply, reply_size);
    free(nested);
}

struct client { int fd, upgraded; size_t have, unsent, turn; char in[8192]; };

static void upgrade(struct client *c) {
    websocket_accept(c->fd, c->in);
    c->upgraded = 1; c->have = 0;
}

static void flush(int loop, struct client *c) {
    while (c->unsent) {
        ssize_t n = send(c->fd, replies[c->turn] + reply_size - c->unsent, c->unsent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) break;
        c->unsent -= (size_t)n;
    }
    struct epoll_event e = {.events = c->unsent ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
    static int blocked;
    if (c->unsent || blocked) { blocked = c->unsent > 0; epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &e); }
}

int main(int argc, char **argv) {
    if (argc != 4 || !(reply_count = (size_t)atol(argv[3]))) return 2;
    build((size_t)atol(argv[1]), (size_t)atol(argv[2]));
    int listener = socket(AF_INET, SOCK_STREAM, 0), loop = epoll_create1(0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    bind(listener, (struct sockaddr *)&at, sizeof at);
    listen(listener, 512);
    getsockname(listener, (struct sockaddr *)&at, &size);
    printf("%d\n", ntohs(at.sin_port)); fflush(stdout);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, ready[64];
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int k = epoll_wait(loop, ready, 64, -1);
        for (int i = 0; i < k; i++) {
            struct client *c = ready[i].data.ptr;
            if (!c) {
                c = calloc(1, sizeof *c);
                c->fd = accept(listener, 0, 0);
                setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                e.data.ptr = c; e.events = EPOLLIN;
                epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &e);
                continue;
            }
            if (ready[i].events & EPOLLIN) {
                ssize_t n = read(c->fd, c->in + c->have, sizeof c->in - 1 - c->have);
                if (n <= 0) { close(c->fd); free(c); continue; }
                c->have += (size_t)n; c->in[c->have] = 0;
                if (!c->upgraded) { if (strstr(c->in, "\r\n\r\n")) upgrade(c); continue; }
                c->have = 0; c->unsent = reply_size; c->turn = (c->turn + 1) % reply_count;      /* one frame, one in flight */
            }
            flush(loop, c);
        }
    }
}
