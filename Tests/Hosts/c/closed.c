/* Hosts that break the contract: they close what the library owns. Sessions are lost by that, and
 * nothing else is: the loop neither waits nor spins, strangers keep their descriptors, and
 * pubsubgw_stop returns. */
#include "peer.h"

#include <fcntl.h>
#include <time.h>

static pubsubgw_gateway *g;
static pubsubgw_queue *q;

static void begin(void)
{
    g = gateway(NULL);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
}

static void finish(void)
{
    IS(pubsubgw_stop(g, 1000), 0);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
}

/* A session that is open. `*fd`, the library's, gets the number that it says, or any if that is -1. */
static pubsubgw_session adopted(int *fd, int *client)
{
    char head[512];
    int host;
    pubsubgw_session s;
    pubsubgw_open o = opening(q, 1);
    tcp_pair(&host, client);
    if (*fd < 0) {
        *fd = host;
    } else if (host != *fd) {
        if (*client == *fd) MUST((*client = dup(*fd)) >= 0);
        MUST(dup2(host, *fd) == *fd);
        close(host);
    }
    o.websocket_key = KEY;
    IS(pubsubgw_session_adopt_fd(g, *fd, &o, &s), 0);
    size_t len = 0;
    do MUST(receive_all(*client, head + len, 1) && ++len < sizeof head);
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0);
    return s;
}

static void expect_lost(pubsubgw_session s)
{
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_CLOSED && e.session == s);
}

/* Whoever has the number now is not written to, shut down, closed or waited for. */
static void strangers_keep_their_descriptors(void)
{
    int fd = -1, client, stranger[2];
    begin();
    pubsubgw_session s = adopted(&fd, &client);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, stranger) == 0);
    MUST(dup2(stranger[0], fd) == fd);              /* blocking, and in the place of the client's */
    close(stranger[0]);
    usleep(1100 * 1000);                            /* what is known of a descriptor is a second old */
    IS(pubsubgw_session_close(g, s, 1000, "bye"), 0);
    expect_lost(s);
    MUST(recv(stranger[1], (char[1]){0}, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    MUST(write(fd, "x", 1) == 1 && receive_all(stranger[1], (char[1]){0}, 1));
    finish();
    MUST(fcntl(fd, F_GETFD) >= 0 && write(fd, "y", 1) == 1);
    close(fd), close(stranger[1]), close(client);
}

/* The same, and the next client of the library gets the number. */
static void the_next_client_is_not_disturbed(void)
{
    int fd = -1, client, other;
    uint8_t frames[64], pong[64];
    begin();
    pubsubgw_session first = adopted(&fd, &client);
    close(fd);
    (void)adopted(&fd, &other);
    usleep(1100 * 1000);
    IS(pubsubgw_session_close(g, first, 1000, "bye"), 0);
    expect_lost(first);
    send_all(other, frames, frame(frames, 9, "still here", 10));
    MUST(receive_all(other, pong, 12) && pong[0] == 0x8a && memcmp(pong + 2, "still here", 10) == 0);
    finish();
    close(client), close(other);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A duplicate keeps the socket in the loop's epoll, whence nobody can take it by its number. */
static void a_duplicate_that_is_left_behind_costs_nothing(void)
{
    int fd = -1, client;
    uint8_t frames[64];
    begin();
    pubsubgw_session s = adopted(&fd, &client);
    int duplicate = dup(fd);
    close(fd);
    send_all(client, frames, frame(frames, 9, "x", 1));
    expect_lost(s);
    double before = cpu_seconds();
    usleep(1000 * 1000);
    MUST(cpu_seconds() - before < 0.5);
    /* The loop serves others as ever. */
    int next = -1, other;
    (void)adopted(&next, &other);
    finish();
    close(duplicate), close(client), close(other);
}

/* As daemons do that were told to close what they may have inherited. */
static void everything_is_closed(void)
{
    int fd = -1, client;
    begin();
    (void)adopted(&fd, &client);
    IS(pubsubgw_listen(g, "127.0.0.1:0", 0) > 0, 1);
    for (int number = 3; number < 256; number++) close(number);
    double before = cpu_seconds();
    usleep(1000 * 1000);
    MUST(cpu_seconds() - before < 0.5);
    /* Pipes on which a read waits get the numbers. */
    int pipes[16];
    for (int i = 0; i < 16; i += 2) MUST(pipe(pipes + i) == 0);
    IS(pubsubgw_stop(g, 100), 0);
    pubsubgw_destroy(g);
    for (int i = 0; i < 16; i++) close(pipes[i]);
}

/* O_NONBLOCK is shared by all duplicates of a socket. */
static void a_socket_that_was_made_blocking_is_not_waited_for(void)
{
    int fd = -1, client;
    uint8_t frames[64], pong[64];
    begin();
    (void)adopted(&fd, &client);
    MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0);
    for (int i = 0; i < 3; i++) {
        send_all(client, frames, frame(frames, 9, "x", 1));
        MUST(receive_all(client, pong, 3) && pong[0] == 0x8a);
    }
    finish();
    close(client);
}

int main(void)
{
    a_socket_that_was_made_blocking_is_not_waited_for();
    strangers_keep_their_descriptors();
    the_next_client_is_not_disturbed();
    a_duplicate_that_is_left_behind_costs_nothing();
    everything_is_closed();
    printf("closed under the library: sessions are lost, and nothing else\n");
    return 0;
}
