/* Messages sessions, and pushes of the host's own. */
#include "peer.h"

static pubsubgw_gateway *g;
static pubsubgw_queue *q;

static pubsubgw_session open_one(uint64_t user_data, const char *protocol)
{
    pubsubgw_session s = 0;
    pubsubgw_open o = opening(q, user_data);
    o.websocket_protocol = protocol;
    IS(pubsubgw_session_open_messages(g, &o, &s), 0);
    MUST(s > 0);
    return s;
}

static void expect_message(pubsubgw_session s, int opcode, const void *data, size_t len)
{
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_MESSAGE && e.session == s && e.code == opcode);
    if (e.len != len) fprintf(stderr, "%zu bytes, not %zu: %.40s\n", e.len, len, e.data + 6);
    MUST(e.len == len && memcmp(e.data, data, len) == 0);
}

static void expect_closed(pubsubgw_session s, int code, const char *reason)
{
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_CLOSED && e.session == s);
    IS(e.code, code);
    MUST(reason == NULL || (e.len == strlen(reason) && memcmp(e.data, reason, e.len) == 0));
    IS(pubsubgw_session_message(g, s, 2, "x", 1), PUBSUBGW_E_GONE);
    MUST(no_event(q, 20));
}

static void echo(pubsubgw_session s, uint64_t sequence, size_t size)
{
    uint8_t *state = calloc(1, size + 1), *message = malloc(size + 64);
    memset(state, (int)sequence, size);
    size_t len = ping(message, sequence, state, size);
    int r = pubsubgw_session_message(g, s, 2, message, len);
    MUST(r >= 0);
    if (r == PUBSUBGW_PAUSE) MUST(next_event(q).type == PUBSUBGW_EV_RESUME);
    expect_message(s, 2, message, len);
    free(state);
    free(message);
}

static void messages_of_all_sizes(void)
{
    pubsubgw_session s = open_one(1, NULL);
    size_t sizes[] = {1, 100, 125, 126, 127, 65000, 65535, 65536, 70000, 200000, 900000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) echo(s, i + 1, sizes[i]);
    /* Many at once keep their order. */
    uint8_t message[64];
    for (uint64_t i = 1; i <= 1000; i++) {
        size_t len = ping(message, i, "state", 5);
        MUST(pubsubgw_session_message(g, s, 2, message, len) >= 0);
    }
    for (uint64_t i = 1; i <= 1000; i++) {
        pubsubgw_event e = next_event(q);
        if (e.type == PUBSUBGW_EV_RESUME) {
            i--;
            continue;
        }
        size_t len = ping(message, i, "state", 5);
        MUST(e.type == PUBSUBGW_EV_MESSAGE && e.len == len && !memcmp(e.data, message, len));
    }
    IS(pubsubgw_session_message(g, s, 8, "\x03\xe8" "bye", 5), 0);
    expect_closed(s, 1000, "bye");
}

static void ends(void)
{
    pubsubgw_session s = open_one(2, NULL);
    IS(pubsubgw_session_message(g, s, 8, NULL, 0), 0);
    int r = pubsubgw_session_message(g, s, 2, "x", 1);
    MUST(r == PUBSUBGW_E_STATE || r == PUBSUBGW_E_GONE);
    expect_closed(s, 1006, NULL);

    /* What was answered before comes before the end. */
    s = open_one(3, NULL);
    uint8_t message[64];
    size_t len = ping(message, 1, "a", 1);
    IS(pubsubgw_session_message(g, s, 2, message, len), 0);
    IS(pubsubgw_session_close(g, s, 4000, "enough"), 0);
    expect_message(s, 2, message, len);
    expect_closed(s, 4000, "enough");

    s = open_one(4, NULL);
    IS(pubsubgw_session_forget(g, s), 0);
    IS(pubsubgw_session_message(g, s, 2, message, len), PUBSUBGW_E_GONE);
    MUST(no_event(q, 50));
}

/* Answers to a little are in the queue when the call returns, and its descriptor does not tell. */
static void told_by_the_call(void)
{
    uint8_t message[64];
    pubsubgw_session s;
    pubsubgw_open o = opening(q, 11);
    o.flags = PUBSUBGW_OPEN_TELL_OUTPUT;
    IS(pubsubgw_session_open_messages(g, &o, &s), 0);
    int told = 0;
    for (uint64_t i = 1; i <= 1000; i++) {
        size_t len = ping(message, i, "told", 4);
        int r = pubsubgw_session_message(g, s, 2, message, len);
        MUST(r == 0 || r == PUBSUBGW_OUTPUT);
        struct pollfd readable = {.fd = pubsubgw_queue_fd(q), .events = POLLIN};
        if (r == PUBSUBGW_OUTPUT) {
            told++;
            IS(poll(&readable, 1, 0), 0);
            pubsubgw_event e;
            IS(pubsubgw_queue_poll(q, &e, 1, sizeof e), 1);
            MUST(e.type == PUBSUBGW_EV_MESSAGE && e.len == len && !memcmp(e.data, message, len));
        } else {
            expect_message(s, 2, message, len);
        }
    }
    MUST(told > 500);
    /* What nobody polled does not keep later events from being told of. */
    size_t len = ping(message, 7, "left", 4);
    (void)pubsubgw_session_message(g, s, 2, message, len);
    IS(pubsubgw_session_close(g, s, 4001, "bye"), 0);
    struct pollfd readable = {.fd = pubsubgw_queue_fd(q), .events = POLLIN};
    IS(poll(&readable, 1, WAIT_MS), 1);
    expect_message(s, 2, message, len);
    expect_closed(s, 4001, "bye");
}

#define HEAD(path, more) "GET " path " HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\n" \
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" more "\r\n"

static pubsubgw_open with_head(const char *head)
{
    pubsubgw_open o = opening(q, 5);
    o.route_id = NULL;
    o.request_head = head;
    o.request_head_len = strlen(head);
    return o;
}

/* Who speaks WebSocket by itself asks before the 101; who does not hears it behind. */
static void who_may_come_in(void)
{
    static const struct { const char *head; int status; const char *protocol; } heads[] = {
        {HEAD("/kafka", ""), 0, ""},
        {HEAD("/kafka?a=b", "Origin: http://a.example:80\r\n"), 0, ""},
        {HEAD("/kafka", "Sec-WebSocket-Protocol: , x,pubsub.json\r\n"), 0, "pubsub.json"},
        {HEAD("/kafka", "Sec-WebSocket-Protocol: x\r\n"), 0, "x"},
        {HEAD("/kafka", "Sec-WebSocket-Protocol: x, y\r\n"), 0, ""},
        {HEAD("/kafka", "Origin: https://evil.example\r\n"), 403, NULL},
        {HEAD("/kafka", "Origin: null\r\n"), 403, NULL},
        {HEAD("/kafka/%2e%2e/kafka", ""), 400, NULL},
        {HEAD("/nowhere", ""), 404, NULL},
        {"GET /kafka HTTP/1.0\r\nHost: a.example\r\n\r\n", 400, NULL},
        {"GET /kafka HTTP/1.1\r\n", 400, NULL},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        pubsubgw_session s = 0;
        pubsubgw_open o = with_head(heads[i].head);
        char protocol[64] = "?";
        IS(pubsubgw_open_check(g, &o, protocol, sizeof protocol), heads[i].status);
        MUST(strcmp(protocol, heads[i].protocol ? heads[i].protocol : "?") == 0);
        IS(pubsubgw_open_check(g, &o, NULL, 0), heads[i].status);
        MUST(!heads[i].status || *pubsubgw_last_error());
        IS(pubsubgw_session_open_messages(g, &o, &s), 0);
        if (heads[i].status) {
            pubsubgw_event e = next_event(q);
            MUST(e.type == PUBSUBGW_EV_CLOSED && e.session == s && e.code == 1008 && e.len > 0);
        } else {
            IS(pubsubgw_session_forget(g, s), 0);
        }
    }
    char small[4];
    pubsubgw_open o = with_head(heads[2].head);
    IS(pubsubgw_open_check(g, &o, small, sizeof small), PUBSUBGW_E_FULL);
    IS(pubsubgw_open_check(g, NULL, NULL, 0), PUBSUBGW_E_INVALID);
    /* Without a head, the host tells whose page it is. */
    o = opening(q, 5);
    o.host = "a.example";
    o.origin = "https://a.example";
    IS(pubsubgw_open_check(g, &o, NULL, 0), 0);
    o.origin = "https://b.example";
    IS(pubsubgw_open_check(g, &o, NULL, 0), 403);
    pubsubgw_session s = 0;
    IS(pubsubgw_session_open_messages(g, &o, &s), 0);
    expect_closed(s, 1008, "this origin is not allowed here");
}

static void arguments(void)
{
    pubsubgw_session s = 7, bytes = 0;
    pubsubgw_open o = opening(q, 0);
    o.websocket_key = KEY;
    IS(pubsubgw_session_open_messages(g, &o, &s), PUBSUBGW_E_INVALID);
    MUST(s == 0);
    o.websocket_key = NULL;
    o.flags = PUBSUBGW_OPEN_BORROW_FD;
    IS(pubsubgw_session_open_messages(g, &o, &s), PUBSUBGW_E_INVALID);
    o = opening(NULL, 0);
    IS(pubsubgw_session_open_messages(g, &o, &s), PUBSUBGW_E_INVALID);
    /* Nothing that the host tells may be more than the one value that it stands for. */
    const char *paths[] = {"/kafka\r\nX: y", "/kafka x", "/kafka\xc3\xa9", "x", "",
                           "/x/../kafka", "//kafka", "/x%2f..%2ftranscript", "/x%00",
                           "/kafka\\"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        o = opening(q, 0);
        o.uri = paths[i];
        IS(pubsubgw_session_open_messages(g, &o, &s), PUBSUBGW_E_INVALID);
        IS(pubsubgw_session_open_bytes(g, &o, &s), PUBSUBGW_E_INVALID);
        IS(pubsubgw_open_check(g, &o, NULL, 0), PUBSUBGW_E_INVALID);
        IS(pubsubgw_route_match(g, NULL, paths[i], NULL, 0), PUBSUBGW_E_INVALID);
    }
    const char *hosts[] = {"a\r\nOrigin: b", "a b", "a/b", "", "a:x", "user@a"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        o = opening(q, 0);
        o.host = hosts[i];
        IS(pubsubgw_session_open_messages(g, &o, &s), PUBSUBGW_E_INVALID);
        IS(pubsubgw_route_match(g, hosts[i], "/kafka", NULL, 0), PUBSUBGW_E_INVALID);
    }
    o = opening(q, 0);
    o.websocket_protocol = "pubsub.json\r\nSec-WebSocket-Extensions: permessage-deflate";
    IS(pubsubgw_session_open_messages(g, &o, &s), PUBSUBGW_E_INVALID);
    o = opening(q, 0);
    o.websocket_extensions = "permessage-deflate\r\nX: y";
    IS(pubsubgw_session_open_bytes(g, &o, &s), PUBSUBGW_E_INVALID);
    o = opening(q, 0);
    o.request_head = "x";
    o.request_head_len = 1;
    o.origin = "https://a.example";
    IS(pubsubgw_session_open_messages(g, &o, &s), PUBSUBGW_E_INVALID);
    o = opening(q, 0);
    o.route_id = "none";
    IS(pubsubgw_session_open_messages(g, &o, &s), PUBSUBGW_E_NO_ROUTE);
    o = opening(q, 0);
    IS(pubsubgw_session_open_messages(g, &o, NULL), PUBSUBGW_E_INVALID);
    s = open_one(5, NULL);
    for (int opcode = -1; opcode < 300; opcode++)
        if (opcode != 1 && opcode != 2 && opcode != 8)
            IS(pubsubgw_session_message(g, s, opcode, "x", 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_message(g, s, 8, "x", 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_message(g, s, 2, NULL, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_feed(g, s, "x", 1), PUBSUBGW_E_INVALID);
    pubsubgw_slice slice;
    IS(pubsubgw_session_output(g, s, &slice, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_consume(g, s, 0), PUBSUBGW_E_INVALID);
    o = opening(q, 0);
    IS(pubsubgw_session_open_bytes(g, &o, &bytes), 0);
    IS(pubsubgw_session_message(g, bytes, 2, "x", 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_forget(g, bytes), 0);

    /* A kind that the sub-protocol does not have is told, and the session lives. */
    IS(pubsubgw_session_message(g, s, 1, "{}", 2), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_MESSAGE && memmem(e.data, e.len, "a text frame", 12));
    echo(s, 3, 10);
    IS(pubsubgw_session_forget(g, s), 0);
    MUST(no_event(q, 20));
}

static void json(void)
{
    static const char ask[] = "{\"sequence\": \"5\", \"cmdPing\": {\"state\": \"eA==\"}}";
    pubsubgw_session s = open_one(6, "pubsub.json");
    IS(pubsubgw_session_message(g, s, 1, ask, sizeof ask - 1), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_MESSAGE && e.code == 1);
    MUST(memmem(e.data, e.len, "\"pongResp\"", 10) && memmem(e.data, e.len, "\"eA==\"", 6));
    MUST(e.data[e.len] == 0);

    /* A push has a name where a command gave it one. */
    IS(pubsubgw_session_push(g, s, 1001, "{\"a\": 1}", 8), PUBSUBGW_E_INVALID);
    IS(pubsubgw_command_on(g, NULL, "cmd_news", 1000, 1001, q), 0);
    IS(pubsubgw_session_push(g, s, 1001, "{\"a\"", 4), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_push(g, s, 1001, "{\"a\": 1}", 8), 0);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_MESSAGE && memmem(e.data, e.len, "\"newsResp\"", 10));
    IS(pubsubgw_session_message(g, s, 8, "\x03\xe8", 2), 0);
    expect_closed(s, 1000, NULL);
}

static void pushes(void)
{
    static uint8_t large[100000];
    uint8_t expected[16] = {0xca, 0x3e, 3, 'a', 'b', 'c'};      /* field 1001 */
    pubsubgw_session s = open_one(8, NULL);
    uint32_t bad[] = {0, 1, 34, 101, 199, 19000, 19999, 536870912, UINT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        IS(pubsubgw_session_push(g, s, bad[i], "abc", 3), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_push(g, s, 1001, "abc", 3), 0);
    expect_message(s, 2, expected, 6);
    IS(pubsubgw_session_push(g, UINT64_MAX, 1001, "abc", 3), PUBSUBGW_E_GONE);

    /* A client that does not read: taken up to the limit, and again when it reads. */
    int taken = 0, r;
    while ((r = pubsubgw_session_push(g, s, 1001, large, sizeof large)) == 0) MUST(++taken < 1000);
    IS(r, PUBSUBGW_E_FULL);
    MUST(taken >= 10);
    for (int i = 0; i < taken; i++) {
        pubsubgw_event e = next_event(q);
        MUST(e.type == PUBSUBGW_EV_MESSAGE && e.len > sizeof large);
    }
    MUST(no_event(q, 20));
    while ((r = pubsubgw_session_push(g, s, 1001, "abc", 3)) == PUBSUBGW_E_FULL) usleep(1000);
    IS(r, 0);
    expect_message(s, 2, expected, 6);
    IS(pubsubgw_session_forget(g, s), 0);
    IS(pubsubgw_session_push(g, s, 1001, "abc", 3), PUBSUBGW_E_GONE);
}

/* A host that does not poll: it is told to wait, and everything comes in the end. */
static void pressure(void)
{
    enum { SIZE = 20000 };
    static uint8_t state[SIZE], message[SIZE + 64];
    pubsubgw_session s = open_one(9, NULL);
    size_t len = ping(message, 3, state, SIZE);
    int given = 0, r;
    while ((r = pubsubgw_session_message(g, s, 2, message, len)) >= 0) {
        given++;
        MUST(given < 10000);
        if (r == PUBSUBGW_PAUSE) break;
    }
    int echoed = 0, resumed = 0;
    while (echoed < given || !resumed) {
        pubsubgw_event e = next_event(q);
        MUST(e.session == s);
        if (e.type == PUBSUBGW_EV_RESUME) resumed++;
        if (e.type == PUBSUBGW_EV_MESSAGE) {
            MUST(e.len == len && memcmp(e.data, message, len) == 0);
            echoed++;
        }
    }
    IS(echoed, given);
    IS(resumed, 1);
    echo(s, 2, 10);
    /* Vanishes while nothing is read of it. */
    while ((r = pubsubgw_session_message(g, s, 2, message, len)) >= 0) MUST(++given < 20000);
    IS(r, PUBSUBGW_E_FULL);
    IS(pubsubgw_session_message(g, s, 8, NULL, 0), 0);
    pubsubgw_event e;
    do {
        e = next_event(q);
    } while (e.type != PUBSUBGW_EV_CLOSED);
    MUST(no_event(q, 20));
}

static void drained(void)
{
    pubsubgw_session s = open_one(10, NULL);
    echo(s, 1, 1);
    IS(pubsubgw_drain(g, 1012, WAIT_MS), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_CLOSED && e.session == s && e.code == 1012);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_DRAINED && e.status == 0);
    IS(pubsubgw_drain(g, 1001, WAIT_MS), 0);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_DRAINED && e.status == 0);
    MUST(no_event(q, 20));
}

int main(void)
{
    g = gateway(NULL);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    MUST(pubsubgw_has_feature("messages"));
    messages_of_all_sizes();
    ends();
    told_by_the_call();
    who_may_come_in();
    arguments();
    json();
    pushes();
    pressure();
    drained();
    IS(pubsubgw_stop(g, 1000), 0);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    printf("messages went both ways, whole and in order\n");
    return 0;
}
