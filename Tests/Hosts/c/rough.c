/* Rough hosts: events polled by another thread than the one that opens, calls in quick succession,
 * polls of one event, threads that are cancelled, and threads with little stack. */
#include "peer.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static pubsubgw_gateway *g;
static pubsubgw_queue *q;

static void end_session(pubsubgw_session s)
{
    pubsubgw_event events[16];
    pubsubgw_session_forget(g, s);
    while (pubsubgw_queue_poll(q, events, 16, sizeof *events) > 0) {}
}

/* All the output there is. */
static size_t drink(pubsubgw_session s, uint8_t *out, size_t cap)
{
    pubsubgw_slice slice;
    size_t total = 0;
    while (pubsubgw_session_output(g, s, &slice, 1) > 0) {
        MUST(total + slice.len <= cap);
        memcpy(out + total, slice.data, slice.len);
        total += slice.len;
        MUST(pubsubgw_session_consume(g, s, slice.len) >= 0);
    }
    return total;
}

/* At least `wanted` bytes, told by events. */
static size_t await_output(pubsubgw_session s, uint8_t *out, size_t cap, size_t wanted)
{
    size_t total = 0;
    while (total < wanted) {
        pubsubgw_event e = next_event(q);
        MUST(e.type == PUBSUBGW_EV_OUTPUT && e.session == s);
        total += drink(s, out + total, cap - total);
    }
    return total;
}

/* ---- a session's number is there before its events ---- */

enum { OPENED = 300 };
static _Atomic pubsubgw_session numbers[OPENED];
static atomic_int opened_all;

static void *compare(void *argument)
{
    pubsubgw_event e[64];
    atomic_long *seen = argument;
    while (!atomic_load(&opened_all)) {
        int n = pubsubgw_queue_wait(q, e, 64, sizeof *e, 10);
        for (int i = 0; i < n; i++) {
            if (e[i].type != PUBSUBGW_EV_OUTPUT) continue;
            MUST(numbers[e[i].user_data] == e[i].session);
            ++*seen;
        }
    }
    return NULL;
}

/* Whoever is woken by the call runs first. */
static void *open_many(void *argument)
{
    (void)argument;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
    for (int i = 0; i < OPENED; i++) {
        pubsubgw_open o = opening(q, (uint64_t)i);
        o.websocket_key = KEY;
        IS(pubsubgw_session_open_bytes(g, &o, (pubsubgw_session *)&numbers[i]), 0);
        if (i % 4 == 0) usleep(60);     /* lets the loop sleep */
    }
    return NULL;
}

static void numbers_come_before_events(void)
{
    pthread_t opener, poller;
    cpu_set_t before, one;
    atomic_long seen = 0;
    MUST(sched_getaffinity(0, sizeof before, &before) == 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    MUST(sched_setaffinity(0, sizeof one, &one) == 0);
    g = gateway(NULL);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    MUST(pthread_create(&poller, NULL, compare, &seen) == 0);
    MUST(pthread_create(&opener, NULL, open_many, NULL) == 0);
    pthread_join(opener, NULL);
    for (int wait = 0; wait < WAIT_MS && seen < OPENED; wait++) usleep(1000);
    atomic_store(&opened_all, 1);
    pthread_join(poller, NULL);
    IS((int)seen, OPENED);
    pubsubgw_destroy(g);
    pubsubgw_queue_destroy(q);
    MUST(sched_setaffinity(0, sizeof before, &before) == 0);
}

/* ---- what is asked for first is done first ---- */

static void reply(void *argument, const pubsubgw_event *command)
{
    IS(pubsubgw_command_reply(g, command->token, argument, strlen(argument)), 0);
}

static void in_the_order_of_the_calls(pubsubgw_session s)
{
    static const uint8_t pushed[] = {0x82, 5, 0xc2, 0x3e, 2, 'p', 'p'};
    static const uint8_t command[] = {0x08, 9, 0xc2, 0x3e, 1, 'z'};
    static const uint8_t answered[] = {0x82, 7, 0x08, 9, 0xc2, 0x3e, 2, 'o', 'k'};
    uint8_t message[64], out[128], in[4096];
    size_t len = ping(message, 7, "hello", 5), size = frame(out, 2, message, len);

    IS(pubsubgw_session_push(g, s, 1000, "pp", 2), 0);
    IS(pubsubgw_session_feed(g, s, out, size), 0);
    await_output(s, in, sizeof in, sizeof pushed + 2 + len);
    MUST(memcmp(in, pushed, sizeof pushed) == 0);
    MUST(memcmp(in + sizeof pushed + 2, message, len) == 0);
    usleep(50);                         /* lets the loop sleep */

    size = frame(out, 2, command, sizeof command);
    IS(pubsubgw_command_on_fn(g, NULL, "cmd_x", 1000, 1000, reply, "ok"), 0);
    IS(pubsubgw_session_feed(g, s, out, size), 0);
    await_output(s, in, sizeof in, sizeof answered);
    MUST(memcmp(in, answered, sizeof answered) == 0);
    IS(pubsubgw_command_on_fn(g, NULL, "cmd_x", 1000, 1000, NULL, NULL), 0);
    usleep(50);

    size = frame(out, 2, message, len);
    IS(pubsubgw_session_close(g, s, 4001, NULL), 0);
    IS(pubsubgw_session_feed(g, s, out, size), 0);
    await_output(s, in, sizeof in, 4);
    MUST(memcmp(in, "\x88\x02\x0f\xa1", 4) == 0);
}

static void calls_keep_their_order(void)
{
    uint8_t in[4096];
    for (int i = 0; i < 200; i++) {
        pubsubgw_session s;
        pubsubgw_open o = opening(q, 0);
        o.websocket_key = KEY;
        IS(pubsubgw_session_open_bytes(g, &o, &s), 0);
        await_output(s, in, sizeof in, 1);
        usleep(50);
        in_the_order_of_the_calls(s);
        end_session(s);
    }
}

/* ---- events that a call has told of, and that a poll has left ---- */

static void what_a_poll_leaves_is_told(void)
{
    uint8_t message[64];
    pubsubgw_session s;
    pubsubgw_open o = opening(q, 0);
    o.flags = PUBSUBGW_OPEN_TELL_OUTPUT;
    IS(pubsubgw_session_open_messages(g, &o, &s), 0);
    struct pollfd readable = {.fd = pubsubgw_queue_fd(q), .events = POLLIN};
    for (int i = 0; i < 200; i++) {
        size_t len = ping(message, 1, "x", 1);
        int told = 0;
        for (int k = 0; k < 3; k++) told += pubsubgw_session_message(g, s, 2, message, len);
        for (int k = 0; k < 3; k++) {
            if (k > 0 || told < 3 * PUBSUBGW_OUTPUT) IS(poll(&readable, 1, WAIT_MS), 1);
            pubsubgw_event e;
            IS(pubsubgw_queue_poll(q, &e, 1, sizeof e), 1);
            MUST(e.type == PUBSUBGW_EV_MESSAGE && e.len == len);
        }
        IS(poll(&readable, 1, 0), 0);
    }
    end_session(s);
}

/* ---- threads that are cancelled ---- */

static pubsubgw_session cancelled_session;

static void *cancelled(void *argument)
{
    uint8_t message[64], out[128];
    size_t size = frame(out, 2, message, ping(message, 1, "x", 1));
    pubsubgw_stats stats = {.struct_size = sizeof stats};
    pubsubgw_event e;
    pubsubgw_session s;
    pubsubgw_open o = opening(q, 0);
    o.websocket_key = KEY;
    pthread_cancel(pthread_self());
    switch ((intptr_t)argument) {
    case 0: pubsubgw_session_feed(g, cancelled_session, out, size); break;
    case 1: pubsubgw_queue_poll(q, &e, 1, sizeof e); break;
    case 2: pubsubgw_session_push(g, cancelled_session, 1000, "x", 1); break;
    case 3: pubsubgw_queue_wait(q, &e, 1, sizeof e, 1); break;
    case 4: pubsubgw_session_forget(g, cancelled_session); break;
    case 5: pubsubgw_get_stats(g, &stats); break;
    case 6: pubsubgw_free(pubsubgw_metrics_text(g, NULL)); break;
    case 7:
        IS(pubsubgw_session_open_bytes(g, &o, &s), 0);
        pubsubgw_session_forget(g, s);
        break;
    }
    pthread_testcancel();
    MUST(!"cancelled");
    return NULL;
}

static void cancelled_threads_leave_no_lock(void)
{
    uint8_t in[4096];
    pubsubgw_stats stats = {.struct_size = sizeof stats};
    for (intptr_t i = 0; i < 200; i++) {
        pthread_t thread;
        pubsubgw_open o = opening(q, 0);
        o.websocket_key = KEY;
        IS(pubsubgw_session_open_bytes(g, &o, &cancelled_session), 0);
        await_output(cancelled_session, in, sizeof in, 1);
        MUST(pthread_create(&thread, NULL, cancelled, (void *)(i % 8)) == 0);
        pthread_join(thread, NULL);
        IS(pubsubgw_get_stats(g, &stats), 0);
        end_session(cancelled_session);
    }
}

/* ---- threads with the stack that the header speaks of ---- */

enum { STACK = 64 << 10, DEEP = 60 };
static pubsubgw_session small_session;
static char deep_message[DEEP * 8], deep_route[DEEP * 8];

static void *with_little_stack(void *argument)
{
    pubsubgw_gateway *other;
    pubsubgw_event e[4];
    (void)argument;
    IS(pubsubgw_route_check(deep_route, strlen(deep_route)), PUBSUBGW_E_CONFIG);
    IS(pubsubgw_new("{\"threads\": 2}", &other), 0);
    IS(pubsubgw_route_put(other, "k", ROUTE, strlen(ROUTE)), 0);
    IS(pubsubgw_start(other), 0);
    MUST(pubsubgw_listen(other, "127.0.0.1:0", 0) > 0);
    pubsubgw_free(pubsubgw_metrics_text(other, NULL));
    IS(pubsubgw_stop(other, 0), 0);
    pubsubgw_destroy(other);
    /* Once on a loop that sleeps, when it is this thread that reads it. */
    for (int i = 0; i < 5; i++) {
        usleep(1000);
        MUST(pubsubgw_session_message(g, small_session, 1, deep_message, strlen(deep_message)) >= 0);
        MUST(pubsubgw_queue_wait(q, e, 4, sizeof *e, WAIT_MS) > 0);
    }
    return NULL;
}

static void nest(char *text, const char *before, const char *after)
{
    strcpy(text, before);
    for (int i = 0; i < DEEP; i++) strcat(text, "{\"a\":");
    strcat(text, "1");
    for (int i = 0; i < DEEP; i++) strcat(text, "}");
    strcat(text, after);
}

static void little_stack_will_do(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pubsubgw_open o = opening(q, 0);
    o.websocket_protocol = "pubsub.json";
    o.flags = PUBSUBGW_OPEN_TELL_OUTPUT;
    IS(pubsubgw_session_open_messages(g, &o, &small_session), 0);
    IS(pubsubgw_command_on_fn(g, NULL, "cmd_x", 1000, 1000, reply, "[1]"), 0);
    nest(deep_message, "{\"sequence\": 1, \"cmdX\": ", "}");
    nest(deep_route, "{\"uri\": ", "}");
    pthread_attr_init(&attributes);
    MUST(pthread_attr_setstacksize(&attributes, STACK + (16 << 10)) == 0);
    MUST(pthread_create(&thread, &attributes, with_little_stack, NULL) == 0);
    pthread_join(thread, NULL);
    IS(pubsubgw_command_on_fn(g, NULL, "cmd_x", 1000, 1000, NULL, NULL), 0);
    end_session(small_session);
}

/* ---- what is asked for while a gateway ends ---- */

static char late_path[64];
static int late_calls;

static void listen_late(void *argument, int level, const char *line, size_t len)
{
    (void)argument, (void)level, (void)line, (void)len;
    int r = pubsubgw_queue_wake_listen(q, late_path);
    MUST(r == 0 || r == PUBSUBGW_E_STATE);
    IS(pubsubgw_set_log(PUBSUBGW_LOG_OFF, NULL, NULL), PUBSUBGW_E_STATE);
    late_calls++;
}

static int descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* The session's client does not answer the Close frame: it ends, and its log line is written, when
 * nothing is done any more. */
static void late_calls_leave_nothing(void)
{
    uint8_t in[4096];
    int before = descriptors();
    snprintf(late_path, sizeof late_path, "/tmp/pubsubgw-rough-%d", (int)getpid());
    g = gateway(NULL);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    pubsubgw_session s;
    pubsubgw_open o = opening(q, 0);
    o.websocket_key = KEY;
    IS(pubsubgw_session_open_bytes(g, &o, &s), 0);
    await_output(s, in, sizeof in, 1);
    IS(pubsubgw_set_log(PUBSUBGW_LOG_INFO, listen_late, NULL), 0);
    IS(pubsubgw_stop(g, 0), 0);
    IS(pubsubgw_set_log(PUBSUBGW_LOG_WARN, NULL, NULL), 0);
    MUST(late_calls > 0);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    MUST(access(late_path, F_OK) < 0);
    IS(descriptors(), before);
}

int main(void)
{
    numbers_come_before_events();
    g = gateway(NULL);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    calls_keep_their_order();
    what_a_poll_leaves_is_told();
    cancelled_threads_leave_no_lock();
    little_stack_will_do();
    IS(pubsubgw_stop(g, 1000), 0);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    late_calls_leave_nothing();
    printf("rough hosts are served as others\n");
    return 0;
}
