/* The fork rule: before start everything works in parent and child; after it the gateway belongs
 * to the process that called start, and a child holds none of its descriptors. */
#include <pubsubgw.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <link.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            printf("line %d: %s (%s)\n", __LINE__, #condition, pubsubgw_last_error()); \
            exit(1); \
        } \
    } while (0)

static const char route[] =
    "{\"uri\": \"/k\", \"upstream\": {\"scheme\": \"kafka\", \"nodes\": {\"127.0.0.1:1\": 1}}}";

static int entries(const char *directory)
{
    int count = 0;
    DIR *d = opendir(directory);
    while (d && readdir(d)) count++;
    if (d) closedir(d);
    return count;
}

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

/* Whether the peer closes within the time. */
static int ends(int fd, int milliseconds)
{
    char byte;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (poll(&wait, 1, milliseconds) == 1)
        if (recv(fd, &byte, 1, 0) <= 0) return 1;
    return 0;
}

static void upgrade(int fd)
{
    static const char head[] =
        "GET /k HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char answer[1024] = {0};
    MUST(send(fd, head, sizeof head - 1, 0) > 0);
    MUST(recv(fd, answer, sizeof answer - 1, 0) > 0);
    MUST(strncmp(answer, "HTTP/1.1 101", 12) == 0);
}

static void wait_for(pid_t child)
{
    int status = 0;
    MUST(waitpid(child, &status, 0) == child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void in_child_of_started(pubsubgw_gateway *g, pubsubgw_queue *q, int fds)
{
    pubsubgw_gateway *fresh = NULL;
    pubsubgw_event event[1];
    pubsubgw_stats stats = {.struct_size = sizeof stats};
    size_t length;
    /* Our own descriptors are as before; the library's are gone. */
    MUST(entries("/proc/self/fd") == fds);
    MUST(entries("/proc/self/task") == 3);
    MUST(pubsubgw_listen(g, "127.0.0.1:0", 0) == PUBSUBGW_E_FORKED);
    MUST(strlen(pubsubgw_last_error()) > 20);
    MUST(pubsubgw_start(g) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_stop(g, 100) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_drain(g, 1001, 0) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_route_put(g, "k", route, strlen(route)) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_queue_poll(q, event, 1, sizeof *event) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_queue_fd(q) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_queue_wake_listen(q, "/tmp/never-made") == PUBSUBGW_E_FORKED);
    pubsubgw_session s = 1;
    pubsubgw_slice slice;
    pubsubgw_open open = {.struct_size = sizeof open, .route_id = "k", .queue = q};
    MUST(pubsubgw_session_open_bytes(g, &open, &s) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_session_open_messages(g, &open, &s) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_open_check(g, &open, NULL, 0) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_session_feed(g, 1, "x", 1) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_session_output(g, 1, &slice, 1) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_session_consume(g, 1, 0) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_session_message(g, 1, 2, "x", 1) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_session_push(g, 1, 1000, "x", 1) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_session_close(g, 1, 1000, NULL) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_session_forget(g, 1) == PUBSUBGW_E_FORKED);
    MUST(PUBSUBGW_CHECK_VERSION() == 0);
    MUST(pubsubgw_get_stats(g, &stats) == PUBSUBGW_E_FORKED);
    MUST(pubsubgw_routes_json(g, &length) == NULL);
    MUST(pubsubgw_new(NULL, &fresh) == PUBSUBGW_E_FORKED);
    MUST(strcmp(pubsubgw_error_name(PUBSUBGW_E_FORKED), "PUBSUBGW_E_FORKED") == 0);
    MUST(pubsubgw_version() == PUBSUBGW_VERSION);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    _exit(0);
}

/* Swift keeps its thread's number; after a fork that is the parent's, and its locks trap when two
 * threads want one. How often does the library's thread-local storage hold `number`? */
struct search { uint32_t number; int found; };

static int search_object(struct dl_phdr_info *object, size_t size, void *data)
{
    struct search *search = data;
    (void)size;
    if (!object->dlpi_tls_data || !strstr(object->dlpi_name, "pubsubgw")) return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const uint32_t *at = object->dlpi_tls_data;
        if (object->dlpi_phdr[i].p_type != PT_TLS) continue;
        for (size_t n = object->dlpi_phdr[i].p_memsz / 4; n > 0; n--)
            search->found += *at++ == search->number;
    }
    return 0;
}

static int kept_numbers(uint32_t number)
{
    struct search search = {.number = number};
    dl_iterate_phdr(search_object, &search);
    return search.found;
}

static void thread_numbers_are_the_childs(void)
{
    uint32_t parent = (uint32_t)syscall(SYS_gettid);
    int kept = kept_numbers(parent);
    MUST(kept > 0); /* else this looks at nothing */
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        MUST(kept_numbers(parent) == 0);
        MUST(kept_numbers((uint32_t)syscall(SYS_gettid)) == kept);
        _exit(0);
    }
    wait_for(child);
}

int main(void)
{
    pubsubgw_gateway *g = NULL;
    pubsubgw_queue *q = NULL;
    MUST(pubsubgw_new(NULL, &g) == 0);
    MUST(pubsubgw_route_put(g, "k", route, strlen(route)) == 0);

    thread_numbers_are_the_childs();

    /* Like a server's master: two workers are forked, and each starts its copy. */
    for (int worker = 0; worker < 2; worker++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            MUST(pubsubgw_start(g) == 0);
            int port = pubsubgw_listen(g, "127.0.0.1:0", 0);
            MUST(port > 0);
            upgrade(dial(port));
            MUST(pubsubgw_stop(g, 2000) == 0);
            pubsubgw_destroy(g);
            _exit(0);
        }
        wait_for(child);
    }

    int fds = entries("/proc/self/fd");
    MUST(pubsubgw_start(g) == 0);
    MUST(pubsubgw_queue_new(g, 0, &q) == 0);
    int port = pubsubgw_listen(g, "127.0.0.1:0", 0);
    MUST(port > 0);
    int client = dial(port);
    upgrade(client);
    fds += 1; /* the client */

    fflush(stdout);
    int gate[2];
    MUST(pipe(gate) == 0);
    fds += 2;
    pid_t child = fork();
    if (child == 0) in_child_of_started(g, q, fds);
    wait_for(child);

    /* A child that lives on must not keep the client's connection open. */
    child = fork();
    if (child == 0) {
        char byte;
        close(gate[1]);
        _exit(read(gate[0], &byte, 1) != 0);
    }
    MUST(pubsubgw_stop(g, 500) == 0);
    MUST(ends(client, 2000));
    close(gate[1]);
    wait_for(child);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    printf("fork before start serves in each child; after it E_FORKED, and no descriptor is kept\n");
    return 0;
}
