/* Throws garbage at every function of the interface. Whatever comes back is fine, as long as it is
 * a status with a text, and the process lives. Built against the public header only. */
#include <pubsubgw.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int checks, failures;

static void expect(int ok, const char *what, int line)
{
    checks++;
    if (ok) return;
    failures++;
    fprintf(stderr, "line %d: %s (last error: %s)\n", line, what, pubsubgw_last_error());
}
#define EXPECT(condition) expect((condition) != 0, #condition, __LINE__)
/* A failed call says which status, and why. */
#define REFUSES(status, call) \
    do { \
        int got = (call); \
        expect(got == (status), #call " -> " #status, __LINE__); \
        if (got != (status)) fprintf(stderr, "    got %s\n", pubsubgw_error_name(got)); \
        expect(pubsubgw_last_error()[0] != 0, "last_error says why", __LINE__); \
    } while (0)

static const char ROUTE[] =
    "{\"uri\": \"/kafka\", \"upstream\": {\"scheme\": \"kafka\", \"type\": \"none\","
    " \"nodes\": {\"127.0.0.1:1\": 1}}}";
static const char NOT_UTF8[] = "\xff\xfe\x80";

static void library(void)
{
    int codes[] = {0, 1, -1, -14, -15, -999, -1000, -1001, -33767, -40000, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        EXPECT(pubsubgw_error_name(codes[i]) && pubsubgw_error_name(codes[i])[0]);
        EXPECT(pubsubgw_strerror(codes[i]) && pubsubgw_strerror(codes[i])[0]);
    }
    EXPECT(strcmp(pubsubgw_error_name(PUBSUBGW_E_GONE), "PUBSUBGW_E_GONE") == 0);
    EXPECT(strcmp(pubsubgw_error_name(-1001), "OFFSET_OUT_OF_RANGE") == 0);
    EXPECT(strcmp(pubsubgw_error_name(-15), "PUBSUBGW_E_UNKNOWN") == 0);
    EXPECT(pubsubgw_has_feature(NULL) == 0);
    EXPECT(pubsubgw_has_feature("") == 0);
    EXPECT(pubsubgw_has_feature(NOT_UTF8) == 0);
    EXPECT(pubsubgw_has_feature("no such thing") == 0);
    EXPECT(pubsubgw_has_feature("kafka-tls") == 1);
    EXPECT(pubsubgw_version() == PUBSUBGW_VERSION);
    EXPECT(PUBSUBGW_CHECK_VERSION() == 0);
    REFUSES(PUBSUBGW_E_UNSUPPORTED, pubsubgw_check_version(PUBSUBGW_VERSION + 1));
    REFUSES(PUBSUBGW_E_UNSUPPORTED, pubsubgw_check_version(PUBSUBGW_VERSION + 0x100));
    REFUSES(PUBSUBGW_E_UNSUPPORTED, pubsubgw_check_version(PUBSUBGW_VERSION + 0x10000));
    REFUSES(PUBSUBGW_E_UNSUPPORTED, pubsubgw_check_version(0));
    REFUSES(PUBSUBGW_E_UNSUPPORTED, pubsubgw_check_version(0xffffff));
    EXPECT(strstr(pubsubgw_last_error(), "255.255.255") != NULL);
    EXPECT(pubsubgw_last_error() != NULL);
    pubsubgw_free(NULL);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_set_log(-1, NULL, NULL));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_set_log(5, NULL, NULL));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_set_log(INT_MIN, NULL, NULL));
    EXPECT(pubsubgw_set_log(PUBSUBGW_LOG_OFF, NULL, NULL) == 0);
}

static void configurations(void)
{
    static const char *bad[] = {
        "", " ", "{", "[]", "null", "1", "\"x\"", "{\"threads\": 0}", "{\"threads\": 257}",
        "{\"threads\": 1.5}", "{\"threads\": \"1\"}", "{\"threads\": 99999999999999999999}",
        "{\"thread\": 1}", "{\"threads\": 1, \"threads\": 1}", "{\"cache_bytes\": -1}",
        "{\"client_id\": 5}", "{\"client_id\": \"\"}", "{\"client_id\": \"a\\n\"}", "{\"host_plugins\": \"x\"}",
        "{\"host_plugins\": [1]}", "{\"linger_ms\": -1}", "{\"connect_timeout_ms\": 0}", "{} x",
    };
    pubsubgw_gateway *g = (pubsubgw_gateway *)1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_new(bad[i], &g));
        EXPECT(g == NULL);
    }
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_new(NULL, NULL));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_new("{}", NULL));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_new(NOT_UTF8, &g));
    EXPECT(pubsubgw_new("{\"threads\": 2, \"client_id\": \"abi\"}", &g) == 0 && g);
    pubsubgw_destroy(g);
}

/* Every function that takes a gateway, with a pointer that is none. */
static void not_a_gateway(pubsubgw_gateway *g, int status)
{
    char id[8];
    size_t length = 77;
    pubsubgw_queue *q = (pubsubgw_queue *)1;
    pubsubgw_session s = 1;
    pubsubgw_stats stats = {0};
    stats.struct_size = sizeof stats;
    pubsubgw_open open = {0};
    open.struct_size = sizeof open;
    open.route_id = "x";
    REFUSES(status, pubsubgw_start(g));
    REFUSES(status, pubsubgw_drain(g, 1001, 0));
    REFUSES(status, pubsubgw_stop(g, 0));
    REFUSES(status, pubsubgw_route_put(g, "x", ROUTE, strlen(ROUTE)));
    REFUSES(status, pubsubgw_route_delete(g, "x", 0));
    REFUSES(status, pubsubgw_upstream_put(g, "x", "{}", 2));
    REFUSES(status, pubsubgw_upstream_delete(g, "x"));
    REFUSES(status, pubsubgw_route_match(g, NULL, "/", id, sizeof id));
    EXPECT(pubsubgw_routes_json(g, &length) == NULL && length == 0);
    REFUSES(status, pubsubgw_queue_new(g, 0, &q));
    EXPECT(q == NULL);
    REFUSES(status, pubsubgw_session_adopt_fd(g, 0, &open, &s));
    EXPECT(s == 0);
    REFUSES(status, pubsubgw_listen(g, "127.0.0.1:0", 0));
    pubsubgw_slice slice[1];
    s = 1;
    REFUSES(status, pubsubgw_session_open_bytes(g, &open, &s));
    EXPECT(s == 0);
    s = 1;
    REFUSES(status, pubsubgw_session_open_messages(g, &open, &s));
    EXPECT(s == 0);
    REFUSES(status, pubsubgw_open_check(g, &open, NULL, 0));
    REFUSES(status, pubsubgw_session_feed(g, 1, "x", 1));
    REFUSES(status, pubsubgw_session_output(g, 1, slice, 1));
    REFUSES(status, pubsubgw_session_consume(g, 1, 1));
    REFUSES(status, pubsubgw_session_message(g, 1, 2, "x", 1));
    REFUSES(status, pubsubgw_session_push(g, 1, 1000, "x", 1));
    REFUSES(status, pubsubgw_session_close(g, 1, 1000, NULL));
    REFUSES(status, pubsubgw_session_forget(g, 1));
    REFUSES(status, pubsubgw_get_stats(g, &stats));
    EXPECT(pubsubgw_metrics_text(g, &length) == NULL);
    EXPECT(pubsubgw_metrics_text(g, NULL) == NULL);
    pubsubgw_destroy(g);
}

static void not_a_queue(pubsubgw_queue *q, int status)
{
    pubsubgw_event event[1];
    REFUSES(status, pubsubgw_queue_fd(q));
    REFUSES(status, pubsubgw_queue_poll(q, event, 1, sizeof *event));
    REFUSES(status, pubsubgw_queue_wait(q, event, 1, sizeof *event, 0));
    REFUSES(status, pubsubgw_queue_wake_listen(q, "/tmp/never-made"));
    pubsubgw_queue_destroy(q);
}

static void handles(void)
{
    int local = 0;
    pubsubgw_gateway *live = NULL, *dead = NULL;
    EXPECT(pubsubgw_new(NULL, &live) == 0);
    EXPECT(pubsubgw_new(NULL, &dead) == 0);
    pubsubgw_destroy(dead);
    pubsubgw_destroy(dead);
    pubsubgw_destroy(NULL);
    pubsubgw_queue_destroy(NULL);
    not_a_gateway(NULL, PUBSUBGW_E_INVALID);
    not_a_gateway(dead, PUBSUBGW_E_GONE);
    not_a_gateway((pubsubgw_gateway *)&local, PUBSUBGW_E_INVALID);
    not_a_gateway((pubsubgw_gateway *)((char *)live + 1), PUBSUBGW_E_INVALID);
    not_a_gateway((pubsubgw_gateway *)((char *)live + (1 << 20)), PUBSUBGW_E_INVALID);
    not_a_gateway((pubsubgw_gateway *)UINTPTR_MAX, PUBSUBGW_E_INVALID);
    not_a_queue(NULL, PUBSUBGW_E_INVALID);
    not_a_queue((pubsubgw_queue *)live, PUBSUBGW_E_INVALID);
    not_a_queue((pubsubgw_queue *)&local, PUBSUBGW_E_INVALID);

    pubsubgw_queue *q = NULL;
    EXPECT(pubsubgw_start(live) == 0);
    EXPECT(pubsubgw_queue_new(live, 0, &q) == 0);
    not_a_gateway((pubsubgw_gateway *)q, PUBSUBGW_E_INVALID);
    pubsubgw_queue_destroy(q);
    not_a_queue(q, PUBSUBGW_E_GONE);
    pubsubgw_destroy(live);
    not_a_gateway(live, PUBSUBGW_E_GONE);
}

static void routes(void)
{
    pubsubgw_gateway *g = NULL;
    char id[8];
    size_t length = 0;
    EXPECT(pubsubgw_new(NULL, &g) == 0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_check(NULL, 0));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_check(NULL, 10));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_check(ROUTE, (size_t)-1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_check(ROUTE, (size_t)1 << 40));
    REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_route_check("", 0));
    REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_route_check("{\"uri\"", 6));
    REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_route_check(NOT_UTF8, 3));
    EXPECT(pubsubgw_route_check(ROUTE, strlen(ROUTE)) >= 0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_upstream_check(NULL, 0));
    REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_upstream_check("", 0));
    REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_upstream_check(NOT_UTF8, 3));
    for (size_t cut = 0; cut < strlen(ROUTE); cut++)
        REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_route_check(ROUTE, cut));

    REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_route_put(g, NULL, ROUTE, strlen(ROUTE)));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_put(g, "", ROUTE, strlen(ROUTE)));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_put(g, NOT_UTF8, ROUTE, strlen(ROUTE)));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_put(g, "x", NULL, 5));
    REFUSES(PUBSUBGW_E_NO_ROUTE, pubsubgw_route_delete(g, "x", 0));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_delete(g, NULL, 0));
    EXPECT(pubsubgw_route_put(g, "long-id", ROUTE, strlen(ROUTE)) == 0);
    REFUSES(PUBSUBGW_E_UNSUPPORTED, pubsubgw_route_delete(g, "long-id", 0xfffffffe));
    REFUSES(PUBSUBGW_E_NO_ROUTE, pubsubgw_route_match(g, NULL, "/other", id, sizeof id));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_match(g, NULL, NULL, id, sizeof id));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_route_match(g, NOT_UTF8, "/kafka", id, sizeof id));
    REFUSES(PUBSUBGW_E_FULL, pubsubgw_route_match(g, NULL, "/kafka", id, 7));
    REFUSES(PUBSUBGW_E_FULL, pubsubgw_route_match(g, NULL, "/kafka", id, 0));
    EXPECT(pubsubgw_route_match(g, NULL, "/kafka", NULL, 0) == 7);
    EXPECT(pubsubgw_route_match(g, "any.example", "/kafka?x=1", id, sizeof id) == 7);
    EXPECT(strcmp(id, "long-id") == 0);
    char *json = pubsubgw_routes_json(g, &length);
    EXPECT(json && strlen(json) == length && strstr(json, "long-id"));
    pubsubgw_free(json);

    REFUSES(PUBSUBGW_E_NO_ROUTE, pubsubgw_upstream_delete(g, "x"));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_upstream_delete(g, NULL));
    REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_upstream_put(g, "x", "[]", 2));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_upstream_put(g, "x", NULL, 0));
    EXPECT(pubsubgw_route_delete(g, "long-id", PUBSUBGW_CLOSE_SESSIONS) == 0);
    pubsubgw_destroy(g);
}

static void states(void)
{
    pubsubgw_gateway *g = NULL;
    pubsubgw_queue *q = NULL;
    pubsubgw_open open = {0};
    pubsubgw_stats stats = {0};
    open.struct_size = sizeof open;
    open.route_id = "x";
    EXPECT(pubsubgw_new(NULL, &g) == 0);
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_drain(g, 1001, 0));
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_stop(g, 0));
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_queue_new(g, 0, &q));
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_listen(g, "127.0.0.1:0", 0));
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_session_adopt_fd(g, 0, &open, NULL));
    stats.struct_size = sizeof stats;
    EXPECT(pubsubgw_get_stats(g, &stats) == 0 && stats.sessions == 0);
    EXPECT(stats.struct_size == sizeof stats);
    EXPECT(pubsubgw_start(g) == 0);
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_start(g));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_drain(g, 1001, -1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_drain(g, 1005, 0));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_drain(g, -5, 0));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_drain(g, 66537, 0));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_stop(g, -1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_new(g, 0, NULL));
    REFUSES(PUBSUBGW_E_UNSUPPORTED, pubsubgw_queue_new(g, 2, &q));
    EXPECT(q == NULL);
    EXPECT(pubsubgw_stop(g, 1000) == 0);
    EXPECT(pubsubgw_stop(g, 0) == 0);
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_start(g));
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_drain(g, 1001, 0));
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_listen(g, "127.0.0.1:0", 0));
    EXPECT(pubsubgw_get_stats(g, &stats) == 0 && stats.threads == 0);
    pubsubgw_destroy(g);
}

static void queues(pubsubgw_gateway *g)
{
    pubsubgw_queue *q = NULL;
    pubsubgw_event event[2];
    memset(event, 0x5a, sizeof event);
    EXPECT(pubsubgw_queue_new(g, PUBSUBGW_QUEUE_LOG, &q) == 0);
    EXPECT(pubsubgw_queue_fd(q) > 2);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_poll(q, NULL, 1, sizeof *event));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_poll(q, event, 0, sizeof *event));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_poll(q, event, -1, sizeof *event));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_poll(q, event, INT_MIN, sizeof *event));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_poll(q, event, 1, 0));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_poll(q, event, 1, 71));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_poll(q, event, 1, 73));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_poll(q, event, 1, (size_t)-8));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_queue_wait(q, event, 1, sizeof *event, -2));
    EXPECT(pubsubgw_queue_poll(q, event, 2, sizeof *event) == 0);
    EXPECT(pubsubgw_queue_wait(q, event, 2, sizeof *event, 10) == 0);
    pubsubgw_queue_destroy(q);
}

static int open_null(void) { return open("/dev/null", O_RDWR); }

static void sessions(pubsubgw_gateway *g, pubsubgw_gateway *other)
{
    int pair[2];
    pubsubgw_session s = 7;
    pubsubgw_queue *foreign = NULL;
    pubsubgw_open open;
    union { pubsubgw_open open; char bytes[sizeof(pubsubgw_open) + 64]; } later;
    static const char head[] = "GET /kafka HTTP/1.1\r\n\r\n";
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    EXPECT(pubsubgw_queue_new(other, 0, &foreign) == 0);

#define OPEN(changes) \
    do { memset(&open, 0, sizeof open); open.struct_size = sizeof open; \
         open.route_id = "kafka"; changes; } while (0)
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], NULL, &s));
    EXPECT(s == 0);
    OPEN(open.struct_size = 0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.struct_size = 0xffffffff);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.struct_size = 13);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.flags = 0x80000000);
    REFUSES(PUBSUBGW_E_UNSUPPORTED, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.route_id = NULL);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.route_id = "none");
    REFUSES(PUBSUBGW_E_NO_ROUTE, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN((open.route_id = NULL, open.uri = "/none"));
    REFUSES(PUBSUBGW_E_NO_ROUTE, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.route_id = NOT_UTF8);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.remote_addr = NOT_UTF8);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.request_head_len = 10);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN((open.request_head = head, open.request_head_len = (size_t)-1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN((open.request_head = head, open.request_head_len = sizeof head - 1,
          open.websocket_key = "x"));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.preread_len = 1);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.policy_json = "{");
    REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.policy_json = "{\"nonsense\": 1}");
    REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.policy_json = NOT_UTF8);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.queue = (pubsubgw_queue *)&open);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN(open.queue = foreign);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, pair[0], &open, &s));
    OPEN((void)0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, -1, &open, &s));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, INT_MAX, &open, &s));
    int null = open_null();
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, null, &open, &s));
    EXPECT(fcntl(null, F_GETFD) >= 0);
    close(null);
    int unconnected = socket(AF_INET, SOCK_STREAM, 0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, unconnected, &open, &s));
    close(unconnected);
    int datagrams[2];
    EXPECT(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams) == 0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_adopt_fd(g, datagrams[0], &open, &s));
    close(datagrams[0]);
    close(datagrams[1]);

    memset(&later, 0, sizeof later);
    later.open.struct_size = sizeof later;
    later.open.route_id = "none";
    REFUSES(PUBSUBGW_E_NO_ROUTE, pubsubgw_session_adopt_fd(g, pair[0], &later.open, &s));
    later.bytes[sizeof later - 1] = 1;
    REFUSES(PUBSUBGW_E_UNSUPPORTED, pubsubgw_session_adopt_fd(g, pair[0], &later.open, &s));

    /* After all those refusals the socket is still ours, and still works. */
    EXPECT(write(pair[0], "x", 1) == 1);
    OPEN((void)0);
    EXPECT(pubsubgw_session_adopt_fd(g, pair[0], &open, &s) == 0 && s > 0);
    pubsubgw_session again = 0;
    OPEN(open.flags = PUBSUBGW_OPEN_DUP_FD);
    int more[2];
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, more) == 0);
    EXPECT(pubsubgw_session_adopt_fd(g, more[0], &open, &again) == 0 && again > s);
    close(more[0]);
    close(more[1]);
    close(pair[1]);
    pubsubgw_queue_destroy(foreign);
}

/* Sessions that the host moves the data of. */
static void pipes(pubsubgw_gateway *g)
{
    pubsubgw_queue *q = NULL;
    pubsubgw_session s = 7;
    pubsubgw_slice slice[1];
    pubsubgw_open open;
    uint64_t none[] = {0, 1, 77, UINT64_C(1) << 53, UINT64_MAX};
    EXPECT(pubsubgw_queue_new(g, 0, &q) == 0);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        REFUSES(PUBSUBGW_E_GONE, pubsubgw_session_feed(g, none[i], "x", 1));
        REFUSES(PUBSUBGW_E_GONE, pubsubgw_session_output(g, none[i], slice, 1));
        REFUSES(PUBSUBGW_E_GONE, pubsubgw_session_consume(g, none[i], 0));
        REFUSES(PUBSUBGW_E_GONE, pubsubgw_session_message(g, none[i], 1, "x", 1));
        REFUSES(PUBSUBGW_E_GONE, pubsubgw_session_push(g, none[i], 1000, "x", 1));
        REFUSES(PUBSUBGW_E_GONE, pubsubgw_session_close(g, none[i], 1000, "x"));
        REFUSES(PUBSUBGW_E_GONE, pubsubgw_session_forget(g, none[i]));
    }
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_open_bytes(g, NULL, &s));
    EXPECT(s == 0);
    OPEN((void)0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_open_bytes(g, &open, &s));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_open_messages(g, &open, &s));
    OPEN((open.queue = q, open.flags = PUBSUBGW_OPEN_DUP_FD));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_open_bytes(g, &open, &s));
    OPEN(open.queue = q);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_open_bytes(g, &open, NULL));
    EXPECT(pubsubgw_session_open_bytes(g, &open, &s) == 0 && s > 0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_feed(g, s, NULL, 1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_feed(g, s, "x", (size_t)-1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_output(g, s, NULL, 1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_output(g, s, slice, 0));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_output(g, s, slice, INT_MIN));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_consume(g, s, 1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_consume(g, s, (size_t)-1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_close(g, s, 1000, NOT_UTF8));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_push(g, s, 0, "x", 1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_session_push(g, s, 1000, NULL, 1));
    EXPECT(pubsubgw_session_forget(g, s) == 0);
    REFUSES(PUBSUBGW_E_GONE, pubsubgw_session_feed(g, s, "x", 1));
    pubsubgw_queue_destroy(q);
}

static void listeners(pubsubgw_gateway *g)
{
    static const char *bad[] = {
        "", ":", "x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", ":80",
        "127.0.0.1:-1", "127.0.0.1: 1", "::1:80", "[::1]", "[]:80", "300.1.1.1:0", "no.such.name:0",
        "unix:", "unix:@", "127.0.0.1:+1",
    };
    char path[300] = "unix:/";
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_listen(g, NULL, 0));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_listen(g, NOT_UTF8, 0));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        REFUSES(PUBSUBGW_E_INVALID, pubsubgw_listen(g, bad[i], 0));
    memset(path + 6, 'x', sizeof path - 7);
    path[sizeof path - 1] = 0;
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_listen(g, path, 0));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_listen(g, "127.0.0.1:0", 0600));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_listen(g, "unix:/tmp/x", -1));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_listen(g, "unix:/tmp/x", 01000));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_listen(g, "unix:@x", 0600));
    REFUSES(PUBSUBGW_E_SYSTEM, pubsubgw_listen(g, "unix:/no/such/directory/x", 0));
    int port = pubsubgw_listen(g, "127.0.0.1:0", 0);
    EXPECT(port > 0 && port < 65536);
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", port);
    REFUSES(PUBSUBGW_E_SYSTEM, pubsubgw_listen(g, taken, 0));
    EXPECT(strstr(pubsubgw_last_error(), "in use") != NULL);
}

static void numbers(pubsubgw_gateway *g)
{
    union { pubsubgw_stats stats; char bytes[4096]; } room;
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_get_stats(g, NULL));
    unsigned bad[] = {0, 1, 7, 9, 4097, 4104, 0xffffffff};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&room, 0x5a, sizeof room);
        room.stats.struct_size = bad[i];
        REFUSES(PUBSUBGW_E_INVALID, pubsubgw_get_stats(g, &room.stats));
    }
    memset(&room, 0x5a, sizeof room);
    room.stats.struct_size = 16;
    EXPECT(pubsubgw_get_stats(g, &room.stats) == 0);
    EXPECT(room.stats.threads >= 1 && room.stats.sessions < 10 && room.bytes[16] == 0x5a);
    room.stats.struct_size = 4096;
    EXPECT(pubsubgw_get_stats(g, &room.stats) == 0 && room.bytes[4095] == 0);
    size_t length = 0;
    char *text = pubsubgw_metrics_text(g, &length);
    EXPECT(text && length > 100 && strlen(text) == length);
    pubsubgw_free(text);
    pubsubgw_free(pubsubgw_metrics_text(g, NULL));
}

static pubsubgw_produce_args record(void)
{
    pubsubgw_produce_args a = {0};
    a.struct_size = sizeof a;
    a.partition = -1;
    a.topic = "t";
    a.value = "v";
    a.value_len = 1;
    return a;
}

/* Every function that takes a producer, with a pointer that is none. */
static void not_a_producer(pubsubgw_producer *p, int status)
{
    pubsubgw_produce_args a = record();
    REFUSES(status, pubsubgw_produce(p, &a));
    REFUSES(status, pubsubgw_produce_batch(p, &a, 1));
    REFUSES(status, pubsubgw_flush(p, 1));
    REFUSES(status, pubsubgw_transaction_begin(p, 1));
    REFUSES(status, pubsubgw_transaction_commit(p, 1));
    REFUSES(status, pubsubgw_transaction_abort(p, 1));
    pubsubgw_producer_destroy(p);
}

/* Each is refused, alone and as a batch. */
static void not_a_record(pubsubgw_producer *p, pubsubgw_produce_args a)
{
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_produce(p, &a));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_produce_batch(p, &a, 1));
}

static void records(pubsubgw_producer *p)
{
    static const size_t huge[] = {(size_t)-1, (size_t)1 << 63, (size_t)1 << 40, (size_t)1 << 31, 0x7fffffff};
    static char name[1 << 20];
    pubsubgw_produce_args a = record();
    pubsubgw_header h = {"n", "v", 1};
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_produce(p, NULL));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_produce_batch(p, NULL, 1));
    EXPECT(pubsubgw_produce_batch(p, NULL, 0) == 0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_produce_batch(p, &a, (1 << 20) + 1));
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        REFUSES(PUBSUBGW_E_INVALID, pubsubgw_produce_batch(p, &a, huge[i]));
        a = record();
        a.value_len = huge[i];
        not_a_record(p, a);
        a = record();
        a.key = "k";
        a.key_len = huge[i];
        not_a_record(p, a);
        a = record();
        a.headers = &h;
        a.header_count = huge[i];
        not_a_record(p, a);
        a = record();
        a.value = NULL;
        a.value_len = huge[i];
        not_a_record(p, a);
        a = record();
        a.key_len = huge[i];
        not_a_record(p, a);
        a = record();
        a.header_count = huge[i];
        not_a_record(p, a);
        a = record();
        h.value_len = huge[i];
        a.headers = &h;
        a.header_count = 1;
        not_a_record(p, a);
        h.value_len = 1;
    }
    memset(name, 'n', sizeof name - 1);
    const char *topics[] = {NULL, "", NOT_UTF8, name};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        a = record();
        a.topic = topics[i];
        not_a_record(p, a);
    }
    const char *names[] = {NULL, NOT_UTF8};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        a = record();
        pubsubgw_header bad = {names[i], "v", 1};
        a.headers = &bad;
        a.header_count = 1;
        if (names[i] == NULL) not_a_record(p, a);
        else pubsubgw_produce(p, &a);
    }
    a = record();
    h.value = NULL;
    a.headers = &h;
    a.header_count = 1;
    not_a_record(p, a);
    const int32_t partitions[] = {-2, INT32_MIN};
    for (size_t i = 0; i < sizeof partitions / sizeof *partitions; i++) {
        a = record();
        a.partition = partitions[i];
        not_a_record(p, a);
    }
    const int64_t times[] = {-1, INT64_MIN};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        a = record();
        a.timestamp = times[i];
        not_a_record(p, a);
    }
    /* These are taken, and fail later, or not. */
    a = record();
    a.partition = INT32_MAX;
    a.timestamp = INT64_MAX;
    a.token = UINT64_MAX;
    EXPECT(pubsubgw_produce(p, &a) == 0);
}

/* Structs of other sizes, one behind the other: of older and newer hosts, and of none. */
static void record_sizes(pubsubgw_producer *p)
{
    static uint64_t words[3 * 512];
    char *memory = (char *)words;
    const uint32_t sizes[] = {0, 1, 3, 4, 8, 71, 72, 73, 80, 79, 81, 83, 96, 100, 4096, 1 << 20, INT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int tail = 0; tail < 2; tail++) {
            pubsubgw_produce_args a = record();
            a.struct_size = sizes[i];
            size_t stride = sizes[i] < 4096 ? sizes[i] : 4096;
            memset(words, tail, sizeof words);
            for (size_t n = 0; n < 2; n++)
                memcpy(memory + n * stride, &a, sizeof a < stride ? sizeof a : stride);
            int taken = pubsubgw_produce_batch(p, (const pubsubgw_produce_args *)memory, 2);
            EXPECT(taken == 2 || taken == 1 || taken == PUBSUBGW_E_INVALID
                   || taken == PUBSUBGW_E_UNSUPPORTED);
            EXPECT(taken >= 0 || pubsubgw_last_error()[0] != 0);
            EXPECT(taken < 0 || sizes[i] >= 72);
        }
    }
    /* The second one says another size than the first. */
    pubsubgw_produce_args pair[2] = {record(), record()};
    pair[1].struct_size = sizeof pair[1] - 1;
    EXPECT(pubsubgw_produce_batch(p, pair, 2) == 1);
}

static void producers(pubsubgw_gateway *g)
{
    int local = 0;
    pubsubgw_queue *q = NULL;
    pubsubgw_client *c = NULL;
    pubsubgw_producer *p = (pubsubgw_producer *)1;
    EXPECT(pubsubgw_queue_new(g, 0, &q) == 0);
    EXPECT(pubsubgw_client_new(g, "{\"nodes\": \"127.0.0.1:1\"}", q, 0, &c) == 0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_producer_new(NULL, NULL, 0, &p));
    EXPECT(p == NULL);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_producer_new((pubsubgw_client *)&local, NULL, 0, &p));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_producer_new((pubsubgw_client *)g, NULL, 0, &p));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_producer_new((pubsubgw_client *)UINTPTR_MAX, NULL, 0, &p));
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_producer_new(c, NULL, 0, NULL));
    static const char *bad[] = {
        "", " ", "{", "[]", "null", "1", "{\"acks\": 1e99}", "{\"linger_ms\": 99999999999999999999}",
        "{\"buffer_memory\": -1}", "{\"transactional_id\": 5}", "{\"max_block_ms\": 0}", "{} x",
        "{\"acks\": {}}", "{\"acks\": null, \"acks\": 1}", "{\"flush\": []}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p = (pubsubgw_producer *)1;
        REFUSES(PUBSUBGW_E_CONFIG, pubsubgw_producer_new(c, bad[i], 0, &p));
        EXPECT(p == NULL);
    }
    EXPECT(pubsubgw_producer_new(c, NOT_UTF8, 0, &p) < 0 && p == NULL);
    EXPECT(pubsubgw_producer_new(c, NULL, UINT64_MAX, &p) == 0 && p);
    not_a_producer(NULL, PUBSUBGW_E_INVALID);
    not_a_producer((pubsubgw_producer *)&local, PUBSUBGW_E_INVALID);
    not_a_producer((pubsubgw_producer *)c, PUBSUBGW_E_INVALID);
    not_a_producer((pubsubgw_producer *)g, PUBSUBGW_E_INVALID);
    not_a_producer((pubsubgw_producer *)((char *)p + 1), PUBSUBGW_E_INVALID);
    not_a_producer((pubsubgw_producer *)UINTPTR_MAX, PUBSUBGW_E_INVALID);
    records(p);
    record_sizes(p);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_transaction_begin(p, 1));
    EXPECT(pubsubgw_flush(p, UINT64_MAX) == 0);
    REFUSES(PUBSUBGW_E_INVALID, pubsubgw_flush(p, UINT64_MAX));
    pubsubgw_producer_destroy(p);
    not_a_producer(p, PUBSUBGW_E_GONE);
    pubsubgw_client_destroy(c);
    REFUSES(PUBSUBGW_E_GONE, pubsubgw_producer_new(c, NULL, 0, &p));
    EXPECT(p == NULL);
    EXPECT(pubsubgw_event_delivery(NULL) == NULL);
    pubsubgw_event none = {0};
    EXPECT(pubsubgw_event_delivery(&none) == NULL);
    none.type = INT_MAX;
    EXPECT(pubsubgw_event_delivery(&none) == NULL);
    pubsubgw_queue_destroy(q);
}

int main(void)
{
    pubsubgw_gateway *g = NULL, *other = NULL;
    library();
    configurations();
    handles();
    routes();
    states();
    EXPECT(pubsubgw_new(NULL, &g) == 0 && pubsubgw_new(NULL, &other) == 0);
    EXPECT(pubsubgw_route_put(g, "kafka", ROUTE, strlen(ROUTE)) == 0);
    EXPECT(pubsubgw_start(g) == 0 && pubsubgw_start(other) == 0);
    queues(g);
    sessions(g, other);
    pipes(g);
    listeners(g);
    producers(g);
    numbers(g);
    EXPECT(pubsubgw_drain(g, 1001, 100) == 0);
    pubsubgw_open open = {0};
    open.struct_size = sizeof open;
    open.route_id = "kafka";
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_session_adopt_fd(g, 0, &open, NULL));
    REFUSES(PUBSUBGW_E_STATE, pubsubgw_listen(g, "127.0.0.1:0", 0));
    pubsubgw_destroy(g);
    pubsubgw_destroy(other);
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
