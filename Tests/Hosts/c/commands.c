/* Commands of the host's own: through a queue and through a function, answered from any thread,
 * in order; what comes too late, twice, or malformed; a route without Kafka. */
#include "peer.h"

#include <pthread.h>
#include <stdatomic.h>

static pubsubgw_gateway *g;
static pubsubgw_queue *q;

/* PubSubReq or PubSubResp{sequence, field = data}. */
static size_t message(uint8_t *out, uint64_t sequence, uint32_t field, const void *data, size_t len)
{
    size_t n = 0;
    out[n++] = 0x08;
    n += varint(out + n, sequence);
    n += varint(out + n, (uint64_t)field << 3 | 2);
    n += varint(out + n, len);
    memcpy(out + n, data, len);
    return n + len;
}

static int client_of(const char *route, const char *protocol)
{
    int host, client;
    tcp_pair(&host, &client);
    pubsubgw_open o = opening(NULL, 42);
    o.route_id = route;
    o.websocket_key = KEY;
    o.websocket_protocol = protocol;
    IS(pubsubgw_session_adopt_fd(g, host, &o, NULL), 0);
    MUST(receive_head(client) == 101);
    return client;
}

static void ask(int fd, uint64_t sequence, uint32_t field, const char *text)
{
    uint8_t bytes[300], out[320];
    send_all(fd, out, frame(out, 2, bytes, message(bytes, sequence, field, text, strlen(text))));
}

static void answered(int fd, uint64_t sequence, uint32_t field, const char *text)
{
    uint8_t wanted[300], got[300];
    size_t size = message(wanted, sequence, field, text, strlen(text)), len;
    MUST(receive_frame(fd, got, sizeof got, &len) == 2);
    MUST(len == size && memcmp(got, wanted, size) == 0);
}

/* ErrorResp{code, message}: these bytes are somewhere in the reply. */
static void failed(int fd, int code, const char *text)
{
    uint8_t got[400];
    size_t len;
    MUST(receive_frame(fd, got, sizeof got, &len) == 2);
    if (memmem(got, len, text, strlen(text)) == NULL)
        fprintf(stderr, "%.*s instead of %s\n", (int)len, (char *)got, text);
    MUST(memmem(got, len, text, strlen(text)) != NULL);
    uint8_t tag[2] = {0x08, (uint8_t)code};
    MUST(memmem(got, len, tag, 2) != NULL);
}

/* Returns when each loop has done what it was told before. */
static void barrier(void)
{
    pubsubgw_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    IS(pubsubgw_get_stats(g, &stats), 0);
}

static void arguments(void)
{
    static const char *const names[] = {"", "Cmd", "cmd_ping", "a b", "sequence"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        IS(pubsubgw_command_on(g, "k", names[i], 1000, 1000, q), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_on(g, "k", NULL, 1000, 1000, q), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_on(g, "", "cmd_a", 1000, 1000, q), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_on(g, "k", "cmd_a", 33, 1000, q), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_on(g, "k", "cmd_a", 1000, 150, q), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_on(g, "k", "cmd_a", 4294967295u, 1000, q), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_on(g, "k", "cmd_a", 1000, 1000, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_on(NULL, "k", "cmd_a", 1000, 1000, q), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_on_fn(g, "k", "cmd_a", 1000, 1000, NULL, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_reply(g, 0, NULL, 0), PUBSUBGW_E_GONE);
    IS(pubsubgw_command_reply(g, UINT64_MAX, "", 0), PUBSUBGW_E_INVALID);     /* its JSON bit */
    IS(pubsubgw_command_reply(g, UINT64_MAX, "1", 1), PUBSUBGW_E_GONE);
    IS(pubsubgw_command_reply(g, 1, NULL, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_reply(g, 1, "", (size_t)-1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_fail(g, 1, -1, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_fail(g, 1, 0, "\xff"), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_fail(g, 1, 0, NULL), PUBSUBGW_E_GONE);

    pubsubgw_gateway *other = gateway(NULL);
    pubsubgw_queue *foreign;
    IS(pubsubgw_queue_new(other, 0, &foreign), 0);
    IS(pubsubgw_command_on(g, "k", "cmd_a", 1000, 1000, foreign), PUBSUBGW_E_INVALID);
    pubsubgw_destroy(other);
    pubsubgw_queue_destroy(foreign);
}

static void queue(void)
{
    IS(pubsubgw_command_on(g, "k", "cmd_echo", 1000, 1001, q), 0);
    IS(pubsubgw_command_on(g, "k", "cmd_echo", 1002, 1001, q), PUBSUBGW_E_INVALID);
    int client = client_of("k", NULL);
    ask(client, 7, 1000, "first");
    ask(client, 8, 1000, "second");
    pubsubgw_event a = next_event(q);
    MUST(a.type == PUBSUBGW_EV_COMMAND && a.status == 0 && a.code == 1000 && a.number == 7);
    MUST(a.number2 == 1001 && a.user_data == 42 && a.session != 0 && a.flags == 0);
    MUST(a.token != 0 && a.token < (uint64_t)1 << 53);
    MUST(a.len == 5 && memcmp(a.data, "first", 6) == 0);
    pubsubgw_event b = next_event(q);
    MUST(b.number == 8 && b.session == a.session && b.token != a.token);
    IS(pubsubgw_command_fail(g, b.token, 0, "not today"), 0);
    MUST(poll(&(struct pollfd){.fd = client, .events = POLLIN}, 1, 50) == 0);
    IS(pubsubgw_command_reply(g, a.token, "hello", 5), 0);
    IS(pubsubgw_command_reply(g, a.token, "again", 5), PUBSUBGW_E_GONE);
    IS(pubsubgw_command_fail(g, b.token, 0, NULL), PUBSUBGW_E_GONE);
    answered(client, 7, 1001, "hello");
    failed(client, 10, "not today");

    ask(client, 9, 1000, "");
    a = next_event(q);
    MUST(a.len == 0);
    IS(pubsubgw_command_reply(g, a.token, NULL, 0), 0);
    answered(client, 9, 1001, "");

    /* The session ends first. */
    ask(client, 10, 1000, "");
    a = next_event(q);
    close(client);
    int status;
    for (int i = 0; (status = pubsubgw_command_reply(g, a.token, "", 0)) == 0 && i < 2000; i++) {
        /* It was quicker than the end of the connection. */
        client = client_of("k", NULL);
        ask(client, 11, 1000, "");
        a = next_event(q);
        close(client);
        usleep(10000);
    }
    IS(status, PUBSUBGW_E_GONE);
}

static void json(void)
{
    static const char text[] = "{\"sequence\": 3, \"cmdEcho\": {\"a\": [1, 2]}}";
    static const char wanted[] = "{\"sequence\":\"3\",\"echoResp\":{\"b\":null}}";
    uint8_t out[200], got[200];
    size_t len;
    int client = client_of("k", "pubsub.json");
    send_all(client, out, frame(out, 1, text, strlen(text)));
    pubsubgw_event e = next_event(q);
    MUST(e.flags == PUBSUBGW_COMMAND_JSON && e.number == 3 && e.code == 1000);
    MUST(strcmp((const char *)e.data, "{\"a\": [1, 2]}") == 0 && e.len == strlen((const char *)e.data));
    IS(pubsubgw_command_reply(g, e.token, "\x08\x01", 2), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_reply(g, e.token, "{\"b\":null}", 10), 0);
    MUST(receive_frame(client, got, sizeof got, &len) == 1);
    MUST(len == strlen(wanted) && memcmp(got, wanted, len) == 0);
    close(client);
}

static void time_limit(void)
{
    static const char route[] =
        "{\"uri\": \"/slow\", \"upstream\": {\"scheme\": \"redis\"},"
        " \"pubsub\": {\"limits\": {\"command_ms\": 50}}}";
    IS(pubsubgw_route_check(route, strlen(route)), 1);
    MUST(strstr(pubsubgw_last_error(), "redis"));
    IS(pubsubgw_route_put(g, "slow", route, strlen(route)), 0);
    IS(pubsubgw_command_on(g, "slow", "cmd_slow", 2000, 2000, q), 0);
    int client = client_of("slow", NULL);
    ask(client, 1, 2000, "x");
    pubsubgw_event e = next_event(q);
    failed(client, 7, "the command cmd_slow timed out");
    IS(pubsubgw_command_reply(g, e.token, "late", 4), PUBSUBGW_E_GONE);
    ask(client, 2, 33, "");              /* CmdKafkaFetch, and no Kafka */
    failed(client, 3, "the command fetch is not allowed here");
    IS(pubsubgw_command_on(g, "slow", "cmd_slow", 2000, 2000, NULL), 0);
    barrier();
    ask(client, 3, 2000, "x");
    failed(client, 2, "unknown command");
    close(client);
}

/* A queue that is gone. */
static void nobody(void)
{
    pubsubgw_queue *own;
    IS(pubsubgw_queue_new(g, 0, &own), 0);
    IS(pubsubgw_command_on(g, NULL, "cmd_nobody", 3000, 3000, own), 0);
    pubsubgw_queue_destroy(own);
    int client = client_of("k", NULL);
    ask(client, 1, 3000, "");
    failed(client, 6, "nobody takes the command cmd_nobody now");
    close(client);
}

/* Answers at once, on the library's thread, while it is called; every other one fails. */
static void at_once(void *arg, const pubsubgw_event *command)
{
    atomic_int *calls = arg;
    MUST(command->type == PUBSUBGW_EV_COMMAND && command->number2 == 1101);
    int status;
    if (command->number % 2)
        status = pubsubgw_command_reply(g, command->token, command->data, command->len);
    else
        status = pubsubgw_command_fail(g, command->token, 99, "even");
    IS(status, 0);
    IS(pubsubgw_command_reply(g, command->token, "", 0), PUBSUBGW_E_GONE);
    IS(pubsubgw_stop(g, 0), PUBSUBGW_E_STATE);
    atomic_fetch_add(calls, 1);
}

static void *answer_later(void *arg)
{
    uint64_t token = *(uint64_t *)arg;
    free(arg);
    IS(pubsubgw_command_reply(g, token, "later", 5), 0);
    return NULL;
}

static void from_a_thread(void *arg, const pubsubgw_event *command)
{
    pthread_t *thread = arg;
    uint64_t *token = malloc(sizeof *token);
    *token = command->token;
    MUST(pthread_create(thread, NULL, answer_later, token) == 0);
}

static void functions(void)
{
    atomic_int calls = 0;
    pthread_t thread;
    IS(pubsubgw_command_on_fn(g, NULL, "cmd_now", 1100, 1101, at_once, &calls), 0);
    IS(pubsubgw_command_on_fn(g, NULL, "cmd_later", 1102, 1103, from_a_thread, &thread), 0);
    int client = client_of("k", NULL);
    uint8_t bytes[64], *out = malloc(64 * 500);
    size_t size = 0;
    for (uint64_t i = 1; i <= 500; i++)  /* in as few segments as the socket likes */
        size += frame(out + size, 2, bytes, message(bytes, i, 1100, "abc", 3));
    send_all(client, out, size);
    for (uint64_t i = 1; i <= 500; i++) {
        if (i % 2)
            answered(client, i, 1101, "abc");
        else
            failed(client, 99, "even");
    }
    IS(atomic_load(&calls), 500);
    ask(client, 600, 1102, "");
    answered(client, 600, 1103, "later");
    pthread_join(thread, NULL);
    /* The same field again replaces the function. */
    IS(pubsubgw_command_on(g, NULL, "cmd_now", 1100, 1101, q), 0);
    barrier();
    ask(client, 601, 1100, "");
    pubsubgw_event e = next_event(q);
    MUST(e.code == 1100);
    IS(pubsubgw_command_reply(g, e.token, "", 0), 0);
    answered(client, 601, 1101, "");
    free(out);
    close(client);
}

/* Many sessions, answered by four threads out of one queue each. */
enum { SESSIONS = 40, ROUNDS = 200 };
static atomic_int left = SESSIONS * ROUNDS;

static void *serve(void *arg)
{
    pubsubgw_queue *own = arg;
    pubsubgw_event events[16];
    while (atomic_load(&left) > 0) {
        int n = pubsubgw_queue_wait(own, events, 16, sizeof *events, 100);
        for (int i = 0; i < n; i++) {
            IS(pubsubgw_command_reply(g, events[i].token, events[i].data, events[i].len), 0);
            atomic_fetch_sub(&left, 1);
        }
        MUST(n >= 0);
    }
    return NULL;
}

static void many(void)
{
    pthread_t threads[4];
    pubsubgw_queue *queues[4];
    int clients[SESSIONS];
    char name[32], text[32];
    for (uint32_t i = 0; i < 4; i++) {
        IS(pubsubgw_queue_new(g, 0, &queues[i]), 0);
        snprintf(name, sizeof name, "cmd_many_%u", i);
        IS(pubsubgw_command_on(g, NULL, name, 4000 + i, 4000 + i, queues[i]), 0);
        MUST(pthread_create(&threads[i], NULL, serve, queues[i]) == 0);
    }
    for (int i = 0; i < SESSIONS; i++) clients[i] = client_of("k", NULL);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SESSIONS; i++) {
            snprintf(text, sizeof text, "%d-%d", i, (int)round);
            ask(clients[i], round + 1, 4000 + (uint32_t)(round + (uint64_t)i) % 4, text);
        }
        if (round % 10 != 9) continue;
        for (int i = 0; i < SESSIONS; i++) {
            for (uint64_t back = round - 9; back <= round; back++) {
                snprintf(text, sizeof text, "%d-%d", i, (int)back);
                answered(clients[i], back + 1, 4000 + (uint32_t)(back + (uint64_t)i) % 4, text);
            }
        }
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < SESSIONS; i++) close(clients[i]);
    for (int i = 0; i < 4; i++) pubsubgw_queue_destroy(queues[i]);
}

int main(void)
{
    MUST(pubsubgw_has_feature("host-commands"));
    g = gateway("{\"threads\": 2, \"host_schemes\": [\"redis\"]}");
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    arguments();
    queue();
    json();
    time_limit();
    nobody();
    functions();
    many();
    char *metrics = pubsubgw_metrics_text(g, NULL);
    MUST(strstr(metrics, "pubsubgw_commands_total{command=\"cmd_now\",result=\"ok\"} 251\n"));
    MUST(strstr(metrics, "pubsubgw_commands_total{command=\"cmd_now\",result=\"host_command\"} 250\n"));
    MUST(strstr(metrics, "pubsubgw_commands_total{command=\"cmd_slow\",result=\"timed_out\"} 1\n"));
    pubsubgw_free(metrics);

    /* Stopping with a command open. */
    int client = client_of("k", NULL);
    ask(client, 1, 1000, "");
    pubsubgw_event e = next_event(q);
    IS(pubsubgw_stop(g, 1000), 0);
    IS(pubsubgw_command_reply(g, e.token, "", 0), PUBSUBGW_E_GONE);
    close(client);
    pubsubgw_destroy(g);
    pubsubgw_queue_destroy(q);
    return 0;
}
