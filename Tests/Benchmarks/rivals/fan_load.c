/* Subscribers of a fan-out: each of N connections follows partition 0 of a topic from its end, and
 * reads until it has RECORDS records.
 *
 *   fan_load PORT PATH TOPIC SESSIONS RECORDS     (TOPIC -: the server pushes unasked)
 *
 * Prints "ready" when all of them follow, and at the end: frames records bytes p50 p99, the last
 * two in milliseconds from the stamp that a push's last value begins with (monotonic nanoseconds as
 * 16 hexadecimal digits) to its arrival. */
#include "websocket_client.h"
#include <sys/epoll.h>
#include <time.h>

struct session { int fd, follows; uint64_t records; uint8_t *in; size_t have, capacity; };

static uint64_t frames, records, bytes, wanted;
static uint32_t *delays;
static size_t delay_count, delays_max = 8 << 20;
static int following, finished;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void subscribe(int fd, const char *topic) {
    uint8_t one[300], command[320], request[400], frame[500];
    size_t n = 0, m = 0, r = 0, length = strlen(topic);
    one[n++] = 0x0a; n += put_varint(one + n, length); memcpy(one + n, topic, length); n += length;
    one[n++] = 0x12; one[n++] = 1; one[n++] = 0;                                  /* partition 0 */
    command[m++] = 0x0a; m += put_varint(command + m, n); memcpy(command + m, one, n); m += n;
    request[r++] = 0x08; request[r++] = 7;
    request[r++] = 0xaa; request[r++] = 0x06; r += put_varint(request + r, m);    /* 101 */
    memcpy(request + r, command, m); r += m;
    size_t out = websocket_frame(frame, request, r);
    if (write(fd, frame, out) != (ssize_t)out) { perror("write"); exit(1); }
}

/* The value of a KafkaMessage. */
static const uint8_t *value(const uint8_t *at, const uint8_t *end) {
    uint64_t tag, v;
    while (at < end) {
        at += get_varint(at, end, &tag);
        at += get_varint(at, end, &v);
        if (tag == (4 << 3 | 2)) return v >= 16 ? at : NULL;
        if ((tag & 7) == 2) at += v;
    }
    return NULL;
}

static void walk(struct session *s, const uint8_t *at, size_t n) {
    const uint8_t *end = at + n, *push = NULL, *push_end = NULL, *last = NULL;
    uint64_t tag, v, count = 0;
    while (at < end) {
        at += get_varint(at, end, &tag);
        at += get_varint(at, end, &v);
        if (tag == (101 << 3 | 2)) { push = at; push_end = at + v; }
        if (tag == (31 << 3 | 2)) { fprintf(stderr, "an error: %.*s\n", (int)v, (const char *)at); exit(1); }
        if ((tag & 7) == 2) at += v;
    }
    if (!push || push_end > end) { fprintf(stderr, "not a push of %zu bytes\n", n); exit(1); }
    for (at = push; at < push_end;) {
        at += get_varint(at, push_end, &tag);
        at += get_varint(at, push_end, &v);
        if (tag == (1 << 3 | 2)) { count++; last = value(at, at + v); }
        if ((tag & 7) == 2) at += v;
    }
    if (!count) { following += !s->follows; s->follows = 1; return; }
    if (last && delay_count < delays_max) {
        char stamp[17] = {0};
        memcpy(stamp, last, 16);
        delays[delay_count++] = (uint32_t)((now() - strtoull(stamp, 0, 16)) / 1000);
    }
    frames++; records += count; bytes += n;
    finished += s->records < wanted && s->records + count >= wanted;
    s->records += count;
}

static void receive(struct session *s) {
    if (s->capacity - s->have < 65536) s->in = realloc(s->in, s->capacity += 131072);
    ssize_t got = read(s->fd, s->in + s->have, s->capacity - s->have);
    if (got <= 0) { fprintf(stderr, "closed\n"); exit(1); }
    s->have += (size_t)got;
    size_t at = 0, header;
    uint64_t length;
    while ((header = websocket_header(s->in + at, s->have - at, &length)) && s->have - at >= header + length) {
        if ((s->in[at] & 0x0f) <= 2) walk(s, s->in + at + header, length);
        at += header + length;
    }
    memmove(s->in, s->in + at, s->have -= at);
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void serve(int loop, int *counter, int until) {
    struct epoll_event ready[256];
    while (*counter < until) {
        int k = epoll_wait(loop, ready, 256, 60000);
        if (k == 0) { fprintf(stderr, "nothing for a minute: %d of %d\n", *counter, until); exit(1); }
        for (int i = 0; i < k; i++) receive(ready[i].data.ptr);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) { fprintf(stderr, "usage: PORT PATH TOPIC|- SESSIONS RECORDS\n"); return 2; }
    int port = atoi(argv[1]), n = atoi(argv[4]), loop = epoll_create1(0);
    wanted = strtoull(argv[5], 0, 10);
    delays = malloc(delays_max * sizeof *delays);
    struct session *all = calloc((size_t)n, sizeof *all);
    for (int i = 0; i < n; i++) {
        all[i].fd = websocket_connect(port, argv[2]);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(loop, EPOLL_CTL_ADD, all[i].fd, &e);
        if (strcmp(argv[3], "-")) subscribe(all[i].fd, argv[3]); else following++;
    }
    serve(loop, &following, n);
    printf("ready\n"); fflush(stdout);
    serve(loop, &finished, n);
    qsort(delays, delay_count, sizeof *delays, ascending);
    printf("%llu %llu %llu %.3f %.3f\n", (unsigned long long)frames, (unsigned long long)records,
           (unsigned long long)bytes, delay_count ? delays[delay_count / 2] / 1e3 : 0,
           delay_count ? delays[delay_count * 99 / 100] / 1e3 : 0);
    return 0;
}
