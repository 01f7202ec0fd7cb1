/* What an echo costs without us: one epoll, one thread, one write per read, no checks at all.
 *
 *   epoll_echo raw       after the upgrade every byte goes back as it came: the kernel's share
 *   epoll_echo frames    frames of one read are unmasked and answered together
 *
 * Prints its port. A peer that does not read ends the program: it serves load generators only. */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include "websocket_accept.h"

enum { BUFFER = 65536 };
struct client { int fd, upgraded; size_t have; uint8_t *in; };
static uint8_t shared[BUFFER], out[BUFFER + BUFFER / 2];
static int raw;

static void send_all(int fd, const uint8_t *bytes, size_t n) {
    while (n) {
        ssize_t k = send(fd, bytes, n, MSG_NOSIGNAL);
        if (k < 0) { perror("send"); exit(1); }
        bytes += k; n -= (size_t)k;
    }
}

static void upgrade(struct client *c, uint8_t *head) {
    websocket_accept(c->fd, (const char *)head);
    c->upgraded = 1;
}

/* Answers the whole frames in `in`; the number of bytes that they take. */
static size_t answer(struct client *c, uint8_t *in, size_t n) {
    size_t at = 0, m = 0;
    for (uint64_t length; at < n;) {
        size_t head = websocket_header(in + at, n - at, &length);
        if (!head || n - at < head + 4 + length) break;
        uint8_t *mask = in + at + head, *payload = mask + 4;
        if (m + length + 10 > sizeof out) { send_all(c->fd, out, m); m = 0; }
        memcpy(out + m, in + at, head);
        out[m + 1] &= 0x7f;
        m += head;
        uint64_t key, word;
        memcpy(&key, mask, 4); memcpy((char *)&key + 4, mask, 4);
        size_t i = 0;
        for (; i + 8 <= length; i += 8) {
            memcpy(&word, payload + i, 8); word ^= key; memcpy(out + m + i, &word, 8);
        }
        for (; i < length; i++) out[m + i] = payload[i] ^ mask[i & 3];
        m += length;
        at += head + 4 + length;
    }
    if (m) send_all(c->fd, out, m);
    return at;
}

static void serve(int loop, struct client *c) {
    if (c->have) memcpy(shared, c->in, c->have);
    ssize_t n = recv(c->fd, shared + c->have, sizeof shared - 1 - c->have, 0);
    if (n <= 0) { epoll_ctl(loop, EPOLL_CTL_DEL, c->fd, 0); close(c->fd); free(c->in); free(c); return; }
    size_t have = c->have + (size_t)n, used = have;
    if (!c->upgraded) { shared[have] = 0; upgrade(c, shared); }
    else if (raw) send_all(c->fd, shared, have);
    else used = answer(c, shared, have);
    c->have = have - used;
    if (c->have) {
        if (!c->in) c->in = malloc(BUFFER);
        memcpy(c->in, shared + used, c->have);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) { fprintf(stderr, "usage: epoll_echo raw|frames\n"); return 2; }
    raw = !strcmp(argv[1], "raw");
    int listener = socket(AF_INET, SOCK_STREAM, 0), loop = epoll_create1(0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) { perror("bind"); return 1; }
    getsockname(listener, (struct sockaddr *)&at, &size);
    printf("%d\n", ntohs(at.sin_port)); fflush(stdout);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int k = epoll_wait(loop, ready, 256, -1);
        for (int i = 0; i < k; i++) {
            struct client *c = ready[i].data.ptr;
            if (c) { serve(loop, c); continue; }
            c = calloc(1, sizeof *c);
            c->fd = accept(listener, 0, 0);
            setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            e.data.ptr = c; e.events = EPOLLIN;
            epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &e);
        }
    }
}
