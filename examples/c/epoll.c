/* epoll.c - libpubsubgw inside an event loop that is there already.
 *
 *   cc -o epoll epoll.c $(pkg-config --cflags --libs pubsubgw)
 *   ./epoll 9080 route.json
 *
 * The program owns every socket and every byte; TLS would stand where it calls read and writev. A
 * plain request is answered by the program itself, a WebSocket becomes a bytes session: what is
 * read goes to pubsubgw_session_feed, what pubsubgw_session_output hands out is written. */
#include <pubsubgw.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct connection {
    int fd;
    int paused;                 /* the session takes no input now */
    int blocked;                /* the socket takes no output now */
    pubsubgw_session session;   /* 0: still an HTTP request */
    size_t used;
    char head[8192];
};

static int loop_fd;
static pubsubgw_gateway *gateway;
static pubsubgw_queue *queue;

static int fail(const char *what) {
    fprintf(stderr, "epoll: %s: %s\n", what, pubsubgw_last_error());
    return 1;
}

static void watch(int operation, int fd, uint32_t events, void *what) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    epoll_ctl(loop_fd, operation, fd, &event);
}

static void update(struct connection *c) {
    watch(EPOLL_CTL_MOD, c->fd, (c->paused ? 0 : EPOLLIN) | (c->blocked ? EPOLLOUT : 0), c);
}

static void end(struct connection *c) {
    close(c->fd);
    free(c);
}

/* Writes what waits, until nothing does or the socket is full. */
static void write_output(struct connection *c) {
    pubsubgw_slice slices[8];
    int count, was_blocked = c->blocked;
    c->blocked = 0;
    while ((count = pubsubgw_session_output(gateway, c->session, slices, 8)) > 0) {
        ssize_t sent = writev(c->fd, (struct iovec *)slices, count);
        c->blocked = sent < 0 && errno == EAGAIN;
        if (sent < 0 && !c->blocked) pubsubgw_session_feed(gateway, c->session, NULL, 0);
        if (sent < 0 || pubsubgw_session_consume(gateway, c->session, (size_t)sent) <= 0) break;
    }
    if (c->blocked != was_blocked) update(c);
}

/* The request head is complete. */
static void handle_request(struct connection *c) {
    static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n"
                                "hello\n";
    if (strcasestr(c->head, "\nupgrade: websocket")) {
        char *behind = strstr(c->head, "\r\n\r\n") + 4;
        pubsubgw_open open = {.struct_size = sizeof open, .queue = queue};
        open.flags = PUBSUBGW_OPEN_TELL_OUTPUT;
        open.request_head = c->head;
        open.request_head_len = (size_t)(behind - c->head);
        open.preread = behind;
        open.preread_len = c->used - open.request_head_len;
        open.user_data = (uint64_t)(uintptr_t)c;
        if (pubsubgw_session_open_bytes(gateway, &open, &c->session) == 0) return;
        fail("open_bytes");
    } else if (write(c->fd, hello, sizeof hello - 1) < 0) {
        perror("write");
    }
    end(c);
}

static void read_input(struct connection *c) {
    static char buffer[65536];
    if (c->session == 0) {
        ssize_t n = read(c->fd, c->head + c->used, sizeof c->head - 1 - c->used);
        if (n > 0) c->used += (size_t)n;
        c->head[c->used] = 0;
        if (n > 0 && strstr(c->head, "\r\n\r\n")) handle_request(c);
        else if (n <= 0 || c->used == sizeof c->head - 1) end(c);
        return;
    }
    ssize_t n = read(c->fd, buffer, sizeof buffer);
    if (n < 0 && errno == EAGAIN) return;
    int result = pubsubgw_session_feed(gateway, c->session, buffer, n > 0 ? (size_t)n : 0);
    if (result > 0 && result & PUBSUBGW_OUTPUT) write_output(c);
    if (n > 0 && result >= 0 && !(result & PUBSUBGW_PAUSE)) return;
    c->paused = 1;              /* until PUBSUBGW_EV_RESUME; or for ever, at the client's end */
    update(c);
    if (n <= 0) watch(EPOLL_CTL_DEL, c->fd, 0, NULL);
}

static void take_events(void) {
    pubsubgw_event events[64];
    int count = pubsubgw_queue_poll(queue, events, 64, sizeof events[0]);
    for (int i = 0; i < count; i++) {
        struct connection *c = (struct connection *)(uintptr_t)events[i].user_data;
        switch (events[i].type) {
        case PUBSUBGW_EV_OUTPUT: write_output(c); break;
        case PUBSUBGW_EV_RESUME: c->paused = 0; update(c); break;
        case PUBSUBGW_EV_CLOSED: end(c); break;
        }
    }
}

static void accept_one(int listener) {
    int fd = accept(listener, NULL, NULL), one = 1;
    if (fd < 0) return;
    struct connection *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->fd = fd;
    watch(EPOLL_CTL_ADD, fd, EPOLLIN, c);
}

static int listen_on(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 512)) return -1;
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("listening on port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static int set_up(const char *path) {
    char json[65536];
    FILE *file = fopen(path, "r");
    if (!file) return perror(path), 1;
    size_t size = fread(json, 1, sizeof json, file);
    fclose(file);
    if (PUBSUBGW_CHECK_VERSION() < 0) return fail("version");
    if (pubsubgw_new(NULL, &gateway) < 0) return fail("new");
    if (pubsubgw_route_put(gateway, "main", json, size) < 0) return fail(path);
    if (pubsubgw_start(gateway) < 0) return fail("start");
    return pubsubgw_queue_new(gateway, 0, &queue) < 0 ? fail("queue") : 0;
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: %s PORT ROUTE.json\n", argv[0]), 2;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    if (set_up(argv[2])) return 1;
    loop_fd = epoll_create1(0);
    int listener = listen_on(atoi(argv[1])), quit = signalfd(-1, &signals, 0);
    if (listener < 0) return perror("listen"), 1;
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
    watch(EPOLL_CTL_ADD, quit, EPOLLIN, &quit);
    watch(EPOLL_CTL_ADD, pubsubgw_queue_fd(queue), EPOLLIN, &queue);
    for (int running = 1; running;) {
        struct epoll_event event;
        if (epoll_wait(loop_fd, &event, 1, -1) != 1) continue;
        if (event.data.ptr == &listener) accept_one(listener);
        else if (event.data.ptr == &queue) take_events();
        else if (event.data.ptr == &quit) running = 0;
        else if (event.events & EPOLLOUT) write_output(event.data.ptr);
        else read_input(event.data.ptr);
    }
    pubsubgw_stop(gateway, 0);
    take_events();              /* the last event of each session: its connection is closed */
    pubsubgw_queue_destroy(queue);
    pubsubgw_destroy(gateway);
    close(listener);
    close(quit);
    close(loop_fd);
    return 0;
}
