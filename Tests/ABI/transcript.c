/* The transcript in C.
 *
 *     transcript FILE */
#include "../Hosts/c/peer.h"

static pubsubgw_gateway *g;
static pubsubgw_queue *q;
static pubsubgw_session session;
static uint8_t output[65536];           /* what the session has put out and nobody has asked for */
static size_t output_count;
static int closed_code = -1;
static char closed_reason[128];

/* The host's own command: the same bytes in upper case, or a refusal. */
static void answer(const pubsubgw_event *e)
{
    uint8_t reply[256];
    MUST(e->len <= sizeof reply);
    if (e->len == 4 && memcmp(e->data, "fail", 4) == 0) {
        IS(pubsubgw_command_fail(g, e->token, 0, "as it was asked to"), 0);
    } else {
        for (size_t i = 0; i < e->len; i++)
            reply[i] = (uint8_t)(e->data[i] >= 'a' && e->data[i] <= 'z' ? e->data[i] - 32 : e->data[i]);
        IS(pubsubgw_command_reply(g, e->token, reply, e->len), 0);
    }
    IS(pubsubgw_command_reply(g, e->token, reply, e->len), PUBSUBGW_E_GONE);
}

static void take_output(void)
{
    pubsubgw_slice slice;
    while (pubsubgw_session_output(g, session, &slice, 1) == 1) {
        MUST(output_count + slice.len <= sizeof output);
        memcpy(output + output_count, slice.data, slice.len);
        output_count += slice.len;
        if (pubsubgw_session_consume(g, session, slice.len) <= 0) break;
    }
}

static void take_event(void)
{
    pubsubgw_event e = next_event(q);
    MUST(e.session == session && e.user_data == 7);
    if (e.type == PUBSUBGW_EV_OUTPUT) take_output();
    if (e.type == PUBSUBGW_EV_COMMAND) answer(&e);
    if (e.type == PUBSUBGW_EV_CLOSED) {
        closed_code = e.code;
        snprintf(closed_reason, sizeof closed_reason, "%.*s", (int)e.len, (const char *)e.data);
    }
}

static size_t hex(const char *text, uint8_t *out)
{
    size_t count = 0;
    unsigned byte;
    for (; sscanf(text, "%2x", &byte) == 1; text += 2) out[count++] = (uint8_t)byte;
    MUST(count > 0);
    return count;
}

static void begin(void)
{
    static const char route[] = "{\"id\": \"transcript\", \"uri\": \"/transcript\","
                                " \"upstream\": {\"scheme\": \"none\", \"type\": \"none\"}}";
    IS(pubsubgw_new("{\"host_schemes\": [\"none\"]}", &g), 0);
    IS(pubsubgw_route_put(g, NULL, route, strlen(route)), 0);
    IS(pubsubgw_start(g), 0);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    IS(pubsubgw_command_on(g, "transcript", "cmd_upper", 1001, 1002, q), 0);
}

static void open_session(const uint8_t *head, size_t count)
{
    pubsubgw_open o = opening(q, 7);
    o.route_id = NULL;
    o.request_head = head;
    o.request_head_len = count;
    IS(pubsubgw_session_open_bytes(g, &o, &session), 0);
}

static void step(const char *name, const char *rest)
{
    static uint8_t head[1024];
    static size_t head_count;
    uint8_t bytes[512];
    if (!strcmp(name, "head")) {
        head_count += hex(rest, head + head_count);
        return;
    }
    if (!session) open_session(head, head_count);
    if (!strcmp(name, "send")) {
        size_t count = hex(rest, bytes);
        IS(pubsubgw_session_feed(g, session, bytes, count), 0);
    } else if (!strcmp(name, "receive")) {
        size_t count = hex(rest, bytes);
        while (output_count < count) take_event();
        MUST(memcmp(output, bytes, count) == 0);
        output_count -= count;
        memmove(output, output + count, output_count);
    } else if (!strcmp(name, "closed")) {
        char *reason;
        long code = strtol(rest, &reason, 10);
        while (closed_code < 0) take_event();
        IS(closed_code, (int)code);
        MUST(strcmp(closed_reason, reason + (*reason == ' ')) == 0 && output_count == 0);
    } else {
        fprintf(stderr, "no such step: %s\n", name);
        abort();
    }
}

int main(int argc, char **argv)
{
    char line[1024];
    int steps = 0;
    MUST(argc == 2 && PUBSUBGW_CHECK_VERSION() == 0);
    FILE *file = fopen(argv[1], "r");
    MUST(file);
    begin();
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == 0 || line[0] == '#') continue;
        char *rest = strchr(line, ' ');
        MUST(rest);
        *rest = 0;
        step(line, rest + 1);
        steps++;
    }
    fclose(file);
    MUST(steps > 10 && closed_code > 0);
    IS(pubsubgw_stop(g, 1000), 0);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    printf("%d steps\n", steps);
    return 0;
}
