/* Lent descriptors, close and forget, the wake socket, and the handshake. */
#include "peer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static pubsubgw_gateway *g;
static pubsubgw_queue *q;

/* Opens a session on a lent socket; answers the client's end. */
static int lend(int *host, pubsubgw_session *s, uint64_t user_data)
{
    int client;
    tcp_pair(host, &client);
    pubsubgw_open o = opening(q, user_data);
    o.flags = PUBSUBGW_OPEN_BORROW_FD;
    o.websocket_key = KEY;
    IS(pubsubgw_session_adopt_fd(g, *host, &o, s), 0);
    MUST(receive_head(client) == 101);
    round_trip(client, 10);
    return client;
}

static void closes(int host, pubsubgw_session s, uint64_t user_data, int code)
{
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_CLOSED && e.session == s && e.user_data == user_data);
    IS(e.code, code);
    MUST(fcntl(host, F_GETFD) >= 0);     /* still ours */
    IS(pubsubgw_session_close(g, s, 1000, NULL), PUBSUBGW_E_GONE);
    MUST(no_event(q, 0));
}

static void client_closes(void)
{
    int host;
    pubsubgw_session s;
    int client = lend(&host, &s, 11);
    send_close(client, 1000);
    MUST(receive_close(client) == 1000);
    MUST(at_end(client));                /* shut down, though nobody has closed it yet */
    close(client);
    closes(host, s, 11, 1000);
    MUST(close(host) == 0);
}

static void host_closes(void)
{
    int host;
    pubsubgw_session s;
    int client = lend(&host, &s, 12);
    IS(pubsubgw_session_close(g, s, 1005, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_close(g, s, 1002, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_close(g, s, -1, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_close(g, s, 1000 + 65536, NULL), PUBSUBGW_E_INVALID);
    char reason[125];
    memset(reason, 'x', 124);
    reason[124] = 0;
    IS(pubsubgw_session_close(g, s, 4000, reason), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_close(g, s, 4000, reason + 1), 0);
    uint8_t data[125];
    size_t len;
    MUST(receive_frame(client, data, sizeof data, &len) == 8 && len == 125);
    MUST((data[0] << 8 | data[1]) == 4000);
    IS(pubsubgw_session_close(g, s, 1000, "again"), 0);
    send_close(client, 4000);
    MUST(at_end(client));
    close(client);
    closes(host, s, 12, 4000);
    close(host);
}

static void client_vanishes(void)
{
    int host;
    pubsubgw_session s;
    int client = lend(&host, &s, 13);
    close(client);
    closes(host, s, 13, 1006);
    close(host);
}

static void upgrade_is_refused(void)
{
    static const char head[] = "GET /kafka HTTP/1.1\r\nHost: x\r\n\r\n";
    int host, client;
    pubsubgw_session s;
    tcp_pair(&host, &client);
    pubsubgw_open o = opening(q, 14);
    o.flags = PUBSUBGW_OPEN_BORROW_FD;
    o.request_head = head;
    o.request_head_len = sizeof head - 1;
    IS(pubsubgw_session_adopt_fd(g, host, &o, &s), 0);
    MUST(receive_head(client) == 400);
    close(client);
    closes(host, s, 14, 0);
    close(host);
}

static void forget_gives_the_descriptor_back(void)
{
    int host;
    pubsubgw_session s;
    int client = lend(&host, &s, 15);
    IS(pubsubgw_session_forget(g, s), 0);
    close(host);                         /* at once: nobody uses it */
    MUST(receive_close(client) == 1001);
    MUST(at_end(client));
    close(client);
    MUST(no_event(q, 100));
    IS(pubsubgw_session_forget(g, s), PUBSUBGW_E_GONE);

    /* While the library waits for the peer's end. */
    client = lend(&host, &s, 16);
    send_close(client, 1000);
    MUST(receive_close(client) == 1000);
    IS(pubsubgw_session_forget(g, s), 0);
    close(host);
    close(client);
    MUST(no_event(q, 100));

    /* Its last event waits in the queue. */
    client = lend(&host, &s, 17);
    close(client);
    struct pollfd p = {.fd = pubsubgw_queue_fd(q), .events = POLLIN};
    MUST(poll(&p, 1, WAIT_MS) == 1);
    IS(pubsubgw_session_forget(g, s), 0);
    MUST(poll(&p, 1, 0) == 0);
    MUST(no_event(q, 0));
    close(host);
}

/* It need not open any to tell how it is, and to give back what it has. */
static void a_process_without_descriptors_is_served(void)
{
    struct rlimit before, none;
    pubsubgw_stats stats = {.struct_size = sizeof stats};
    pubsubgw_session s;
    int host, client = lend(&host, &s, 9);
    MUST(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = 3;
    MUST(setrlimit(RLIMIT_NOFILE, &none) == 0);
    IS(pubsubgw_get_stats(g, &stats), 0);
    MUST(stats.sessions == 1);
    IS(pubsubgw_session_forget(g, s), 0);
    MUST(setrlimit(RLIMIT_NOFILE, &before) == 0);
    MUST(receive_close(client) == 1001);
    close(host);
    close(client);
}

static void arguments_are_checked(void)
{
    int host, client;
    pubsubgw_session s = 9;
    tcp_pair(&host, &client);
    pubsubgw_open o = opening(NULL, 0);
    o.flags = PUBSUBGW_OPEN_BORROW_FD;
    IS(pubsubgw_session_adopt_fd(g, host, &o, &s), PUBSUBGW_E_INVALID);
    o = opening(q, 0);
    o.flags = PUBSUBGW_OPEN_BORROW_FD | PUBSUBGW_OPEN_NO_CLOSED_EVENT;
    IS(pubsubgw_session_adopt_fd(g, host, &o, &s), PUBSUBGW_E_INVALID);
    o.flags = PUBSUBGW_OPEN_BORROW_FD | PUBSUBGW_OPEN_DUP_FD;
    IS(pubsubgw_session_adopt_fd(g, host, &o, &s), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_forget(g, 0), PUBSUBGW_E_GONE);
    IS(pubsubgw_session_forget(g, UINT64_MAX), PUBSUBGW_E_GONE);
    IS(pubsubgw_session_close(g, UINT64_MAX, 1000, NULL), PUBSUBGW_E_GONE);
    close(host);
    close(client);
}

static void handshake(void)
{
    char text[200];
    int length = pubsubgw_handshake(KEY, NULL, text, sizeof text);
    MUST(length > 0 && (size_t)length == strlen(text));
    MUST(strstr(text, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    MUST(strstr(text, "Sec-WebSocket-Protocol") == NULL);
    IS(pubsubgw_handshake(KEY, NULL, text, (size_t)length), PUBSUBGW_E_FULL);
    IS(pubsubgw_handshake(KEY, NULL, text, (size_t)length + 1), length);
    MUST(length < 130);
    MUST(pubsubgw_handshake(KEY, "pubsub.json", text, sizeof text) == length + 26 + 11);
    MUST(strstr(text, "\r\nSec-WebSocket-Protocol: pubsub.json\r\n\r\n"));
    IS(pubsubgw_handshake(KEY, "a\r\nb", text, sizeof text), PUBSUBGW_E_INVALID);
    IS(pubsubgw_handshake("abc", NULL, text, sizeof text), PUBSUBGW_E_INVALID);
    IS(pubsubgw_handshake(NULL, NULL, text, sizeof text), PUBSUBGW_E_INVALID);
    IS(pubsubgw_handshake(KEY, NULL, NULL, 200), PUBSUBGW_E_INVALID);
}

static int wait_at(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    MUST(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    return fd;
}

static int readable(int fd, int milliseconds)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, milliseconds) == 1;
}

static void wake_socket(void)
{
    char path[64], bytes[64];
    struct stat status;
    int host, client;
    pubsubgw_session s;
    pubsubgw_queue *own = NULL, *common = q;
    snprintf(path, sizeof path, "/tmp/pubsubgw-wake-%d", (int)getpid());
    IS(pubsubgw_queue_new(g, 0, &own), 0);
    IS(pubsubgw_queue_wake_listen(own, ""), PUBSUBGW_E_INVALID);
    IS(pubsubgw_queue_wake_listen(own, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_queue_wake_listen(own, "/no/such/directory/x"), PUBSUBGW_E_SYSTEM);
    IS(pubsubgw_queue_wake_listen(own, path), 0);
    IS(pubsubgw_queue_wake_listen(own, path), PUBSUBGW_E_STATE);
    MUST(stat(path, &status) == 0 && S_ISSOCK(status.st_mode));
    IS((int)(status.st_mode & 0777), 0600);

    q = own;
    int first = wait_at(path);
    MUST(!readable(first, 50));
    client = lend(&host, &s, 21);
    close(client);
    MUST(readable(first, WAIT_MS));      /* closed waits */
    int second = wait_at(path);
    MUST(readable(second, WAIT_MS));     /* told at once: it waits already */
    closes(host, s, 21, 1006);
    close(host);
    MUST(recv(first, bytes, sizeof bytes, 0) == 1);
    MUST(recv(second, bytes, sizeof bytes, 0) == 1);
    close(second);
    send_all(first, "ignored", 7);
    client = lend(&host, &s, 22);
    close(client);
    MUST(readable(first, WAIT_MS));
    closes(host, s, 22, 1006);
    close(host);
    MUST(recv(first, bytes, sizeof bytes, 0) == 1);
    int many[9];
    for (int i = 0; i < 9; i++) many[i] = wait_at(path);
    MUST(readable(many[8], WAIT_MS) && recv(many[8], bytes, 1, 0) == 0);    /* the ninth of eight */
    for (int i = 0; i < 9; i++) close(many[i]);
    pubsubgw_queue_destroy(own);
    MUST(stat(path, &status) < 0);
    MUST(readable(first, WAIT_MS) && recv(first, bytes, 1, 0) == 0);
    close(first);
    q = common;
}

static void stop_gives_descriptors_back(void)
{
    int host;
    pubsubgw_session s;
    int client = lend(&host, &s, 31);
    IS(pubsubgw_stop(g, 0), 0);
    closes(host, s, 31, 1001);
    close(host);
    close(client);
}

int main(void)
{
    signal(SIGPIPE, SIG_DFL);
    g = gateway(NULL);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    MUST(pubsubgw_has_feature("borrow-fd") && pubsubgw_has_feature("wake-listen"));
    client_closes();
    host_closes();
    client_vanishes();
    upgrade_is_refused();
    forget_gives_the_descriptor_back();
    a_process_without_descriptors_is_served();
    arguments_are_checked();
    handshake();
    wake_socket();
    stop_gives_descriptors_back();
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    printf("lent descriptors came back each time\n");
    return 0;
}
