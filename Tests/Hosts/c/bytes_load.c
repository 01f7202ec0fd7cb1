/* Bytes sessions under load: a host with an epoll loop that owns the sockets of many clients, which
 * run in threads of their own and check every byte.
 *
 *     bytes_load flood SECONDS              20 sessions x 16 KB frames both ways at full speed
 *     bytes_load pingpong SESSIONS ROUNDS   the cost of a round trip
 *     bytes_load vanish SESSIONS            clients that go away in the middle of a frame */
#include "peer.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>

typedef struct connection {
    int fd;
    pubsubgw_session s;
    int paused, blocked, tells_output;
} connection;

enum { CONNECTIONS_MAX = 4096, READ_SIZE = 65536 };
static pubsubgw_gateway *g;
static pubsubgw_queue *q;
static int loop = -1;
static connection *connections[CONNECTIONS_MAX];
static int open_connections, closed_connections;
static unsigned long pauses, events_seen, outputs_told;

static connection *serve(int fd, const void *preread, size_t preread_len)
{
    connection *c = calloc(1, sizeof *c);
    int slot = 0;
    while (connections[slot]) MUST(++slot < CONNECTIONS_MAX);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    c->fd = fd;
    pubsubgw_open o = opening(q, (uint64_t)slot);
    o.websocket_key = KEY;
    o.preread = preread;
    o.preread_len = preread_len;
    c->tells_output = slot % 2;         /* both ways side by side */
    if (c->tells_output) o.flags = PUBSUBGW_OPEN_TELL_OUTPUT;
    IS(pubsubgw_session_open_bytes(g, &o, &c->s), 0);
    connections[slot] = c;
    open_connections++;
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)slot};
    MUST(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e) == 0);
    return c;
}

static void interest(connection *c, int slot)
{
    struct epoll_event e = {.data.u64 = (uint64_t)slot};
    if (!c->paused) e.events |= EPOLLIN;
    if (c->blocked) e.events |= EPOLLOUT;
    MUST(epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &e) == 0);
}

static void write_output(connection *c, int slot)
{
    pubsubgw_slice slices[4];
    int n, was = c->blocked;
    c->blocked = 0;
    while ((n = pubsubgw_session_output(g, c->s, slices, 4)) > 0) {
        ssize_t sent = writev(c->fd, (const struct iovec *)slices, n);
        if (sent < 0 && errno == EAGAIN) {
            c->blocked = 1;
            break;
        }
        if (sent < 0) {                 /* the client is gone: the next read tells */
            size_t all = 0;
            for (int i = 0; i < n; i++) all += slices[i].len;
            sent = (ssize_t)all;
        }
        if (pubsubgw_session_consume(g, c->s, (size_t)sent) <= 0) break;
    }
    if (was != c->blocked) interest(c, slot);
}

static void readable(connection *c, int slot)
{
    static char buffer[READ_SIZE];
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) return;
    int r = pubsubgw_session_feed(g, c->s, buffer, n > 0 ? (size_t)n : 0);
    if (n <= 0) {
        MUST(r == 0 || r == PUBSUBGW_E_GONE);
        epoll_ctl(loop, EPOLL_CTL_DEL, c->fd, NULL);
        c->paused = 1;
        return;
    }
    MUST(r >= 0 || r == PUBSUBGW_E_GONE);
    if (r > 0 && r & PUBSUBGW_OUTPUT) {
        MUST(c->tells_output);
        outputs_told++;
        write_output(c, slot);
    }
    if (r > 0 && r & PUBSUBGW_PAUSE) {
        pauses++;
        c->paused = 1;
        interest(c, slot);
    }
}

static void handle(pubsubgw_event *e)
{
    int slot = (int)e->user_data;
    connection *c = connections[slot];
    events_seen++;
    if (e->session == 0) return;
    MUST(c && c->s == e->session);
    switch (e->type) {
    case PUBSUBGW_EV_OUTPUT: write_output(c, slot); break;
    case PUBSUBGW_EV_RESUME:
        MUST(c->paused);
        c->paused = 0;
        interest(c, slot);
        break;
    case PUBSUBGW_EV_CLOSED:
        shutdown(c->fd, SHUT_RDWR);
        close(c->fd);
        free(c);
        connections[slot] = NULL;
        open_connections--;
        closed_connections++;
        break;
    }
}

/* One turn of the host's loop. */
static int turn(int milliseconds)
{
    struct epoll_event ready[64];
    int n = epoll_wait(loop, ready, 64, milliseconds);
    for (int i = 0; i < n; i++) {
        int slot = (int)ready[i].data.u64;
        if (ready[i].data.u64 == UINT64_MAX) {
            pubsubgw_event events[64];
            int count = pubsubgw_queue_poll(q, events, 64, sizeof *events);
            for (int k = 0; k < count; k++) handle(&events[k]);
            continue;
        }
        connection *c = connections[slot];
        if (!c) continue;
        if (ready[i].events & EPOLLOUT) write_output(c, slot);
        c = connections[slot];
        if (c && (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !c->paused)
            readable(c, slot);
    }
    return n;
}

static void begin(const char *config)
{
    g = gateway(config);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = UINT64_MAX};
    MUST(epoll_ctl(loop, EPOLL_CTL_ADD, pubsubgw_queue_fd(q), &e) == 0);
    open_connections = closed_connections = 0;
}

static void end(void)
{
    close(loop);
    IS(pubsubgw_stop(g, 1000), 0);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
}

/* ---- clients, each a thread ---- */

typedef struct client {
    pthread_t thread;
    int fd;
    size_t size;
    long rounds;                        /* or until `deadline` */
    double deadline;
    atomic_long sent, received;
} client;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *flood_writer(void *argument)
{
    client *c = argument;
    uint8_t *state = malloc(c->size), *message = malloc(c->size + 64), *out = malloc(c->size + 96);
    while (now() < c->deadline) {
        long number = atomic_load(&c->sent);
        memset(state, (int)(number * 31 + 7), c->size);
        size_t n = ping(message, (uint64_t)number + 1, state, c->size);
        send_all(c->fd, out, frame(out, 2, message, n));
        atomic_fetch_add(&c->sent, 1);
    }
    send_close(c->fd, 1000);
    free(state);
    free(message);
    free(out);
    return NULL;
}

/* Reads the echo of everything, in order, until the Close frame. */
static void *flood_reader(void *argument)
{
    client *c = argument;
    uint8_t *in = malloc(c->size + 64), *expected = malloc(c->size + 64);
    uint8_t *state = malloc(c->size);
    receive_head(c->fd);
    for (;;) {
        size_t len = 0;
        int opcode = receive_frame(c->fd, in, c->size + 64, &len);
        if (opcode == 8) break;
        MUST(opcode == 2);
        long number = atomic_load(&c->received);
        memset(state, (int)(number * 31 + 7), c->size);
        size_t n = ping(expected, (uint64_t)number + 1, state, c->size);
        MUST(n == len && memcmp(in, expected, n) == 0);
        atomic_fetch_add(&c->received, 1);
    }
    MUST(atomic_load(&c->received) == atomic_load(&c->sent));
    free(in);
    free(expected);
    free(state);
    return NULL;
}

static void *stop_on_stall(void *argument)
{
    client *clients = argument;
    long before[20] = {0};
    for (;;) {
        sleep(WAIT_MS / 1000);
        for (int i = 0; i < 20; i++) {
            long count = atomic_load(&clients[i].received);
            if (count == before[i] && now() < clients[i].deadline) {
                fprintf(stderr, "session %d stalls at %ld of %ld sent\n", i, count,
                        atomic_load(&clients[i].sent));
                abort();
            }
            before[i] = count;
        }
    }
    return NULL;
}

static void flood(double seconds)
{
    enum { SESSIONS = 20 };
    static client clients[SESSIONS];
    pthread_t writers[SESSIONS], readers[SESSIONS], guard;
    begin(NULL);
    for (int i = 0; i < SESSIONS; i++) {
        int host;
        memset(&clients[i], 0, sizeof clients[i]);
        tcp_pair(&host, &clients[i].fd);
        /* Different sizes: different places to stop. */
        int size = i % 2 ? 8192 : 131072;
        setsockopt(host, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        setsockopt(host, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        setsockopt(clients[i].fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        setsockopt(clients[i].fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        clients[i].size = 16384;
        clients[i].deadline = now() + seconds;
        serve(host, NULL, 0);
        MUST(pthread_create(&readers[i], NULL, flood_reader, &clients[i]) == 0);
        MUST(pthread_create(&writers[i], NULL, flood_writer, &clients[i]) == 0);
    }
    MUST(pthread_create(&guard, NULL, stop_on_stall, clients) == 0);
    double start = now(), last = start;
    while (closed_connections < SESSIONS) {
        if (turn(1000) > 0) last = now();
        MUST(now() - last < WAIT_MS / 1000);
    }
    long total = 0;
    for (int i = 0; i < SESSIONS; i++) {
        pthread_join(writers[i], NULL);
        pthread_join(readers[i], NULL);
        total += clients[i].received;
        MUST(clients[i].received > 0);
        close(clients[i].fd);
    }
    pthread_cancel(guard);
    pthread_join(guard, NULL);
    printf("figure: flood: %ld frames of 16 KB in %.1f s (%.0f MB/s each way), %lu pauses\n", total,
           now() - start, (double)total * 16384 / 1e6 / (now() - start), pauses);
    end();
}

/* ---- the cost of a round trip ---- */

static void *pingpong_client(void *argument)
{
    client *c = argument;
    uint8_t message[256], out[256], in[256], state[64];
    memset(state, 'x', sizeof state);
    receive_head(c->fd);
    for (long i = 0; i < c->rounds; i++) {
        size_t len = 0, n = ping(message, (uint64_t)i + 1, state, c->size);
        send_all(c->fd, out, frame(out, 2, message, n));
        MUST(receive_frame(c->fd, in, sizeof in, &len) == 2 && len == n);
    }
    send_close(c->fd, 1000);
    MUST(receive_close(c->fd) == 1000);
    return NULL;
}

static double cpu_of_threads_of_others(void)
{
    struct rusage all;
    getrusage(RUSAGE_SELF, &all);
    return (double)(all.ru_utime.tv_sec + all.ru_stime.tv_sec) +
           (double)(all.ru_utime.tv_usec + all.ru_stime.tv_usec) / 1e6;
}

static double cpu_of_this_thread(void)
{
    struct rusage own;
    getrusage(RUSAGE_THREAD, &own);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
           (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
}

static void pingpong(int sessions, long rounds)
{
    client *clients = calloc((size_t)sessions, sizeof *clients);
    begin(NULL);
    for (int i = 0; i < sessions; i++) {
        int host;
        tcp_pair(&host, &clients[i].fd);
        clients[i].size = 48;
        clients[i].rounds = rounds;
        serve(host, NULL, 0);
        MUST(pthread_create(&clients[i].thread, NULL, pingpong_client, &clients[i]) == 0);
    }
    double start = now(), cpu = cpu_of_this_thread();
    unsigned long events = events_seen;
    while (closed_connections < sessions) turn(1000);
    cpu = cpu_of_this_thread() - cpu;
    printf("figure: pingpong: %d sessions, %.0f/s, host thread %.2f us CPU a round trip, "
           "%.2f events each (whole process %.2f us)\n",
           sessions, (double)sessions * (double)rounds / (now() - start),
           cpu * 1e6 / ((double)sessions * (double)rounds),
           (double)(events_seen - events) / ((double)sessions * (double)rounds),
           cpu_of_threads_of_others() * 1e6 / ((double)sessions * (double)rounds));
    for (int i = 0; i < sessions; i++) {
        pthread_join(clients[i].thread, NULL);
        close(clients[i].fd);
    }
    free(clients);
    end();
}

/* ---- clients that vanish in the middle of a frame ---- */

static int descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 16384; fd++) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* In KiB, without what malloc keeps for use again: how much that is depends on the order in which
 * threads give memory back. */
static long resident(void)
{
    long pages = 0;
    malloc_trim(0);
    FILE *f = fopen("/proc/self/statm", "r");
    MUST(f && fscanf(f, "%*d %ld", &pages) == 1);
    fclose(f);
    return pages * 4;
}

static void vanish(int sessions)
{
    static uint8_t big[70000], out[70100];
    int *clients = calloc((size_t)sessions, sizeof *clients);
    size_t size = frame(out, 2, big, sizeof big);
    for (int i = 0; i < sessions; i++) {
        int host, blocking;
        tcp_pair(&host, &clients[i]);
        blocking = fcntl(clients[i], F_GETFL);
        fcntl(clients[i], F_SETFL, blocking | O_NONBLOCK);
        serve(host, NULL, 0);
        /* As much of a frame as fits, a different part each. */
        (void)!send(clients[i], out, size / 2 + (size_t)i % (size / 2), MSG_NOSIGNAL);
        turn(0);
    }
    pubsubgw_stats stats = {.struct_size = sizeof stats};
    double patience = now() + WAIT_MS / 1000;
    do {
        turn(10);
        IS(pubsubgw_get_stats(g, &stats), 0);
    } while ((int)stats.sessions < sessions && now() < patience);
    IS((int)stats.sessions, sessions);
    for (int i = 0; i < sessions; i++) {
        if (i % 2) {                    /* a reset, and an end */
            struct linger reset = {1, 0};
            setsockopt(clients[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
        close(clients[i]);
    }
    free(clients);
    patience = now() + WAIT_MS / 1000;
    while (open_connections > 0 && now() < patience) turn(100);
    IS(open_connections, 0);
    do {
        IS(pubsubgw_get_stats(g, &stats), 0);
    } while (stats.sessions > 0 && now() < patience);
    IS((int)stats.sessions, 0);
}

static void vanishing_leaves_nothing(int sessions)
{
    begin(NULL);
    vanish(sessions);                   /* what is kept for use again is there now */
    int before = descriptors();
    long memory = resident();
    for (int round = 0; round < 2; round++) vanish(sessions);
    double patience = now() + WAIT_MS / 1000;
    while (descriptors() > before && now() < patience) usleep(1000);
    MUST(descriptors() <= before);
    printf("figure: vanish: %d sessions, %ld KiB more resident afterwards\n", 2 * sessions,
           resident() - memory);
    MUST(resident() - memory < 16384);
    end();
}

int main(int argc, char **argv)
{
    struct rlimit files = {16384, 16384};
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);            /* the host's own writes */
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *what = argc > 2 ? argv[1] : "";
    if (!strcmp(what, "flood")) flood(atof(argv[2]));
    else if (!strcmp(what, "pingpong") && argc > 3) pingpong(atoi(argv[2]), atol(argv[3]));
    else if (!strcmp(what, "vanish")) vanishing_leaves_nothing(atoi(argv[2]));
    else return fprintf(stderr, "usage: see the head of bytes_load.c\n"), 2;
    return 0;
}
