/* Bytes sessions, one rule after the other; the host moves every byte by itself. */
#include "peer.h"

static pubsubgw_gateway *g;
static pubsubgw_queue *q;

static void begin(void)
{
    g = gateway(NULL);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
}

static pubsubgw_session open_one(uint64_t user_data)
{
    pubsubgw_session s = 0;
    pubsubgw_open o = opening(q, user_data);
    o.websocket_key = KEY;
    IS(pubsubgw_session_open_bytes(g, &o, &s), 0);
    MUST(s > 0);
    return s;
}

static void expect(uint32_t type, pubsubgw_session s)
{
    pubsubgw_event e = next_event(q);
    if (e.type != type || e.session != s)
        fprintf(stderr, "event %u of %llu, not %u\n", e.type, (unsigned long long)e.session, type);
    MUST(e.type == type && e.session == s);
}

/* All the output there is, as one piece; consumes it. */
static size_t drink(pubsubgw_session s, uint8_t *out, size_t cap)
{
    pubsubgw_slice slices[3];
    size_t total = 0;
    int n;
    while ((n = pubsubgw_session_output(g, s, slices, 3)) > 0) {
        size_t part = 0;
        for (int i = 0; i < n; i++) {
            MUST(total + part + slices[i].len <= cap);
            memcpy(out + total + part, slices[i].data, slices[i].len);
            part += slices[i].len;
        }
        total += part;
        MUST(pubsubgw_session_consume(g, s, part) >= 0);
    }
    return total;
}

static void output_is_told_once(void)
{
    static uint8_t in[4096], out[4096], message[128], echo[128];
    pubsubgw_session s = open_one(1);
    pubsubgw_slice slice;
    expect(PUBSUBGW_EV_OUTPUT, s);
    size_t n = drink(s, in, sizeof in);
    MUST(n > 100 && memcmp(in, "HTTP/1.1 101", 12) == 0);
    IS(pubsubgw_session_output(g, s, &slice, 1), 0);
    IS(pubsubgw_session_consume(g, s, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_consume(g, s, 0), 0);

    size_t len = ping(message, 9, "abc", 3);
    size_t size = frame(out, 2, message, len);
    for (size_t i = 0; i < size; i++) IS(pubsubgw_session_feed(g, s, out + i, 1), 0);
    expect(PUBSUBGW_EV_OUTPUT, s);
    IS(pubsubgw_session_output(g, s, &slice, 1), 1);
    MUST(slice.len == len + 2);
    memcpy(echo, slice.data, slice.len);
    MUST(memcmp(echo + 2, message, len) == 0);
    IS(pubsubgw_session_consume(g, s, slice.len + 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_session_consume(g, s, 2), 1);
    IS(pubsubgw_session_feed(g, s, out, size), 0);
    MUST(no_event(q, 100));             /* told already: some is left */
    MUST(drink(s, in, sizeof in) == len + len + 2);
    MUST(memcmp(in, message, len) == 0 && memcmp(in + len + 2, message, len) == 0);
    IS(pubsubgw_session_feed(g, s, out, size), 0);
    expect(PUBSUBGW_EV_OUTPUT, s);
    MUST(drink(s, in, sizeof in) == len + 2);

    /* Closed comes behind the last byte. */
    uint8_t code[2] = {0x03, 0xe8};
    IS(pubsubgw_session_feed(g, s, out, frame(out, 8, code, 2)), 0);
    expect(PUBSUBGW_EV_OUTPUT, s);
    MUST(no_event(q, 50));
    IS(pubsubgw_session_feed(g, s, "later", 5), 0);
    IS(pubsubgw_session_output(g, s, &slice, 1), 1);
    MUST(slice.len == 4 && memcmp(slice.data, "\x88\x02\x03\xe8", 4) == 0);
    IS(pubsubgw_session_consume(g, s, 3), 1);
    MUST(no_event(q, 50));
    IS(pubsubgw_session_consume(g, s, 1), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_CLOSED && e.session == s && e.code == 1000 && e.user_data == 1);
    IS(pubsubgw_session_output(g, s, &slice, 1), PUBSUBGW_E_GONE);
    IS(pubsubgw_session_consume(g, s, 0), PUBSUBGW_E_GONE);
    IS(pubsubgw_session_feed(g, s, out, 1), PUBSUBGW_E_GONE);
    MUST(no_event(q, 20));
}

/* Its loop was at work, and tells by an event; then it gets the time to come to rest. */
static void await_output(pubsubgw_session s)
{
    expect(PUBSUBGW_EV_OUTPUT, s);
    usleep(1000);
}

/* The answer to a little is there when feed returns, and no event tells of it. */
static void output_is_told_by_feed(void)
{
    static uint8_t in[4096], out[4096], message[128];
    pubsubgw_session s = 0;
    pubsubgw_open o = opening(q, 11);
    o.websocket_key = KEY;
    o.flags = PUBSUBGW_OPEN_TELL_OUTPUT;
    IS(pubsubgw_session_open_bytes(g, &o, &s), 0);
    expect(PUBSUBGW_EV_OUTPUT, s);      /* the 101 comes by itself */
    drink(s, in, sizeof in);
    size_t len = ping(message, 4, "told", 4), size = frame(out, 2, message, len);
    int told = 0;
    for (int i = 0; i < 1000; i++) {
        int r = pubsubgw_session_feed(g, s, out, size);
        MUST(r == 0 || r == PUBSUBGW_OUTPUT);
        if (r == 0) await_output(s);
        told += r == PUBSUBGW_OUTPUT;
        MUST(drink(s, in, sizeof in) == len + 2 && memcmp(in + 2, message, len) == 0);
    }
    MUST(told > 500);
    MUST(no_event(q, 20));

    /* Once told, not again before all was taken. */
    while (pubsubgw_session_feed(g, s, out, size) != PUBSUBGW_OUTPUT) {
        await_output(s);
        drink(s, in, sizeof in);
    }
    IS(pubsubgw_session_feed(g, s, out, size), 0);
    MUST(no_event(q, 50));
    MUST(drink(s, in, sizeof in) == 2 * (len + 2));

    /* The end comes by events. */
    IS(pubsubgw_session_close(g, s, 1000, NULL), 0);
    expect(PUBSUBGW_EV_OUTPUT, s);
    MUST(drink(s, in, sizeof in) == 4);
    IS(pubsubgw_session_feed(g, s, NULL, 0), 0);
    expect(PUBSUBGW_EV_CLOSED, s);

    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    IS(pubsubgw_session_adopt_fd(g, pair[0], &o, &s), PUBSUBGW_E_INVALID);
    close(pair[0]);
    close(pair[1]);
}

static void client_vanishes(void)
{
    uint8_t message[64], out[128], in[4096];
    size_t len = ping(message, 1, "x", 1), size = frame(out, 2, message, len);
    /* In the middle of a frame. */
    pubsubgw_session s = open_one(2);
    expect(PUBSUBGW_EV_OUTPUT, s);
    drink(s, in, sizeof in);
    IS(pubsubgw_session_feed(g, s, out, size - 1), 0);
    IS(pubsubgw_session_feed(g, s, NULL, 0), 0);
    int r = pubsubgw_session_feed(g, s, out, 1);
    MUST(r == PUBSUBGW_E_STATE || r == PUBSUBGW_E_GONE);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_CLOSED && e.session == s && e.code == 1006);
    MUST(e.number2 == (int64_t)size - 1);

    /* With output that nobody took, the 101: it is not counted as sent. */
    s = open_one(3);
    expect(PUBSUBGW_EV_OUTPUT, s);
    IS(pubsubgw_session_feed(g, s, NULL, 0), 0);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_CLOSED && e.session == s && e.number == 0);

    /* A session that waits for the last byte to be consumed. */
    s = open_one(4);
    expect(PUBSUBGW_EV_OUTPUT, s);
    drink(s, in, sizeof in);
    IS(pubsubgw_session_feed(g, s, out, frame(out, 8, NULL, 0)), 0);
    expect(PUBSUBGW_EV_OUTPUT, s);
    IS(pubsubgw_session_feed(g, s, NULL, 0), 0);
    expect(PUBSUBGW_EV_CLOSED, s);
    MUST(no_event(q, 20));
}

static void refusal_is_output(void)
{
    static const char head[] = "GET /kafka HTTP/1.1\r\nHost: x\r\n\r\n";
    char in[4096];
    pubsubgw_session s = 0;
    pubsubgw_open o = opening(q, 5);
    o.request_head = head;
    o.request_head_len = sizeof head - 1;
    IS(pubsubgw_session_open_bytes(g, &o, &s), 0);
    expect(PUBSUBGW_EV_OUTPUT, s);
    MUST(no_event(q, 50));
    size_t n = drink(s, (uint8_t *)in, sizeof in);
    MUST(n > 20 && memcmp(in, "HTTP/1.1 400", 12) == 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_CLOSED && e.code == 0 && e.number == (int64_t)n);
}

static void preread_is_part_of_the_stream(void)
{
    uint8_t message[64], out[128], in[4096];
    size_t len = ping(message, 77, "x", 1), size = frame(out, 2, message, len), n = 0;
    pubsubgw_session s = 0;
    pubsubgw_open o = opening(q, 6);
    o.websocket_key = KEY;
    o.preread = out;
    o.preread_len = size;
    IS(pubsubgw_session_open_bytes(g, &o, &s), 0);
    expect(PUBSUBGW_EV_OUTPUT, s);
    for (int wait = 0; wait < WAIT_MS && (n < len || memcmp(in + n - len, message, len)); wait++) {
        n += drink(s, in + n, sizeof in - n);
        usleep(1000);
    }
    MUST(memcmp(in + n - len, message, len) == 0);
    IS(pubsubgw_session_forget(g, s), 0);
    MUST(no_event(q, 50));
    IS(pubsubgw_session_feed(g, s, "x", 1), PUBSUBGW_E_GONE);
}

/* A client that asks and does not read: the host is told to stop, and to go on. */
static void pressure(void)
{
    enum { STATE = 30000 };
    static uint8_t state[STATE], message[STATE + 64], out[STATE + 96], in[16 << 20];
    pubsubgw_session s = open_one(7);
    expect(PUBSUBGW_EV_OUTPUT, s);
    drink(s, in, sizeof in);
    size_t len = ping(message, 3, state, STATE), size = frame(out, 2, message, len);
    size_t fed = 0;
    int r = 0;
    while ((r = pubsubgw_session_feed(g, s, out, size)) == 0) {
        fed++;
        MUST(fed * size < (64 << 20));
    }
    IS(r, PUBSUBGW_PAUSE);
    fed++;
    while ((r = pubsubgw_session_feed(g, s, out, size)) == PUBSUBGW_PAUSE) {
        fed++;
        MUST(fed * size < (64 << 20));
    }
    /* Not taken; and nothing was lost by that. */
    if (r == 0) fed++;
    MUST(r == PUBSUBGW_E_FULL || r == 0);
    size_t echoed = 0, resumes = 0;
    while (echoed < fed * (len + 4)) {
        pubsubgw_event e = next_event(q);
        MUST(e.session == s);
        if (e.type == PUBSUBGW_EV_RESUME) resumes++;
        if (e.type == PUBSUBGW_EV_OUTPUT) echoed += drink(s, in, sizeof in);
    }
    MUST(echoed == fed * (len + 4));
    while (resumes == 0) {
        expect(PUBSUBGW_EV_RESUME, s);
        resumes++;
    }
    IS(pubsubgw_session_feed(g, s, out, size), 0);
    expect(PUBSUBGW_EV_OUTPUT, s);
    MUST(drink(s, in, sizeof in) == len + 4);
    IS(pubsubgw_session_forget(g, s), 0);
    MUST(no_event(q, 20));
}

static void sessions_are_told_of_the_end(void)
{
    uint8_t in[4096];
    pubsubgw_session drained = open_one(8);
    expect(PUBSUBGW_EV_OUTPUT, drained);
    drink(drained, in, sizeof in);
    IS(pubsubgw_drain(g, 1012, WAIT_MS), 0);
    expect(PUBSUBGW_EV_OUTPUT, drained);
    MUST(drink(drained, in, sizeof in) > 4 && memcmp(in, "\x88", 1) == 0);
    MUST(in[2] == 1012 >> 8 && in[3] == (1012 & 255));
    uint8_t out[16], code[2] = {1012 >> 8, 1012 & 255};
    IS(pubsubgw_session_feed(g, drained, out, frame(out, 8, code, 2)), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_CLOSED && e.code == 1012);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_DRAINED && e.status == 0);
}

static void stop_ends_sessions(void)
{
    uint8_t in[4096];
    begin();
    pubsubgw_session open = open_one(9), half = open_one(10);
    expect(PUBSUBGW_EV_OUTPUT, open);
    expect(PUBSUBGW_EV_OUTPUT, half);
    drink(half, in, sizeof in);
    uint8_t out[16];
    IS(pubsubgw_session_feed(g, half, out, frame(out, 8, NULL, 0)), 0);
    expect(PUBSUBGW_EV_OUTPUT, half);
    IS(pubsubgw_stop(g, 0), 0);
    int closed = 0;
    pubsubgw_event e[8];
    int n = pubsubgw_queue_poll(q, e, 8, sizeof *e);
    for (int i = 0; i < n; i++)
        if (e[i].type == PUBSUBGW_EV_CLOSED) closed++;
    IS(closed, 2);
    IS(pubsubgw_session_feed(g, open, out, 1), PUBSUBGW_E_GONE);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
}

int main(void)
{
    begin();
    MUST(pubsubgw_has_feature("bytes"));
    output_is_told_once();
    output_is_told_by_feed();
    client_vanishes();
    refusal_is_output();
    preread_is_part_of_the_stream();
    pressure();
    sessions_are_told_of_the_end();
    IS(pubsubgw_stop(g, 1000), 0);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    stop_ends_sessions();
    printf("bytes sessions kept their order and their promises\n");
    return 0;
}
