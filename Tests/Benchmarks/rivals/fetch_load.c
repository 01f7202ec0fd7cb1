/* Closed-loop CmdKafkaFetch: each of N connections asks, waits for the whole reply, asks from the
 * reply's next_offset. Every reply is walked: an error or a record count of 0 ends the program.
 *
 *   fetch_load PORT PATH TOPIC CONNECTIONS REPLIES MAX_BYTES RANGE MODE
 *
 * RANGE records a connection; MODE `own`: connection i begins at i*RANGE; `same`: all at 0. At the
 * end of its range a connection begins anew (with `own` that never happens while REPLIES is small).
 * Prints: records replies bytes seconds */
#include "websocket_client.h"
#include <sys/epoll.h>
#include <time.h>

struct connection {
    int fd;
    uint64_t first, offset;
    uint8_t *in;
    size_t have, capacity;
};

static const char *topic;
static uint64_t max_bytes, range, records, replies, bytes;

static void ask(struct connection *c) {
    uint8_t command[256], request[320], frame[400];
    size_t n = 0, m = 0, length = strlen(topic);
    command[n++] = 0x0a; n += put_varint(command + n, length); memcpy(command + n, topic, length); n += length;
    command[n++] = 0x18; n += put_varint(command + n, c->offset);
    command[n++] = 0xa8; command[n++] = 0x06; n += put_varint(command + n, max_bytes);   /* 101 */
    request[m++] = 0x08; m += put_varint(request + m, 7);
    request[m++] = 0x8a; request[m++] = 0x02; m += put_varint(request + m, n);            /* 33 */
    memcpy(request + m, command, n); m += n;
    size_t out = websocket_frame(frame, request, m);
    if (write(c->fd, frame, out) != (ssize_t)out) { perror("write"); exit(1); }
}

static void walk(struct connection *c, const uint8_t *at, size_t n) {
    const uint8_t *end = at + n, *fetch = NULL, *fetch_end = NULL;
    uint64_t tag, v, next = 0, count = 0;
    while (at < end) {
        size_t k = get_varint(at, end, &tag); at += k;
        k = get_varint(at, end, &v); at += k;
        if (!k) break;
        if (tag == (33 << 3 | 2)) { fetch = at; fetch_end = at + v; }
        if ((tag & 7) == 2) at += v;
    }
    if (!fetch || fetch_end > end) { fprintf(stderr, "not a fetch reply of %zu bytes\n", n); exit(1); }
    for (at = fetch; at < fetch_end;) {
        at += get_varint(at, fetch_end, &tag);
        at += get_varint(at, fetch_end, &v);
        if (tag == (1 << 3 | 2)) count++;
        if (tag == (101 << 3 | 0)) next = v;
        if ((tag & 7) == 2) at += v;
    }
    if (!count) { fprintf(stderr, "an empty reply at offset %llu\n", (unsigned long long)c->offset); exit(1); }
    records += count; replies++; bytes += n;
    c->offset = next ? next : c->offset + count;
    if (c->offset >= c->first + range) c->offset = c->first;
}

static void receive(struct connection *c) {
    if (c->capacity - c->have < 65536) c->in = realloc(c->in, c->capacity += 262144);
    ssize_t got = read(c->fd, c->in + c->have, c->capacity - c->have);
    if (got <= 0) { fprintf(stderr, "closed\n"); exit(1); }
    c->have += (size_t)got;
    uint64_t length;
    size_t header = websocket_header(c->in, c->have, &length);
    if (!header || c->have < header + length) return;
    walk(c, c->in + header, length);
    memmove(c->in, c->in + header + length, c->have -= header + length);
    ask(c);
}

int main(int argc, char **argv) {
    if (argc != 9) { fprintf(stderr, "usage: PORT PATH TOPIC CONNECTIONS REPLIES MAX_BYTES RANGE own|same\n"); return 2; }
    int port = atoi(argv[1]), n = atoi(argv[4]), own = !strcmp(argv[8], "own");
    uint64_t wanted = strtoull(argv[5], 0, 10);
    topic = argv[3]; max_bytes = strtoull(argv[6], 0, 10); range = strtoull(argv[7], 0, 10);
    struct connection *all = calloc((size_t)n, sizeof *all);
    int loop = epoll_create1(0);
    for (int i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = websocket_connect(port, argv[2]);
        all[i].first = all[i].offset = own ? (uint64_t)i * range : 0;
        epoll_ctl(loop, EPOLL_CTL_ADD, all[i].fd, &e);
    }
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (int i = 0; i < n; i++) ask(&all[i]);
    while (replies < wanted) {
        struct epoll_event ready[64];
        int k = epoll_wait(loop, ready, 64, 10000);
        if (k == 0) { fprintf(stderr, "no reply for 10 s\n"); return 1; }
        for (int i = 0; i < k; i++) receive(ready[i].data.ptr);
    }
    clock_gettime(CLOCK_MONOTONIC, &t1);
    printf("%llu %llu %llu %.3f\n", (unsigned long long)records, (unsigned long long)replies, (unsigned long long)bytes,
           (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9);
    return 0;
}
