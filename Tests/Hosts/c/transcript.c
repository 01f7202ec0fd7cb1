/* The transcript that every language's binding runs (Tests/ABI/transcript.txt), in C.
 *
 *     transcript FILE */
#include "peer.h"

#include <ctype.h>

static const char TRANSCRIPT_ROUTE[] =
    "{\"uri\": \"/transcript\", \"upstream\": {\"scheme\": \"none\", \"type\": \"none\"}}";

enum { ROOM = 65536 };
static pubsubgw_gateway *g;
static pubsubgw_queue *q;
static pubsubgw_session session;
static uint8_t received[ROOM];
static size_t received_len;
static int ended, end_code;
static char end_reason[128];

static size_t bytes_of(const char *hex, uint8_t *out, size_t room)
{
    size_t n = 0;
    for (unsigned byte; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) {
        MUST(n < room);
        out[n] = (uint8_t)byte;
    }
    return n;
}

static void answer(const pubsubgw_event *ev)
{
    static const char fail[] = "fail";
    char upper[256];
    MUST(ev->code == 1001 && ev->number2 == 1002 && ev->len <= sizeof upper);
    if (ev->len == strlen(fail) && !memcmp(ev->data, fail, ev->len)) {
        IS(pubsubgw_command_fail(g, ev->token, 0, "as it was asked to"), 0);
        return;
    }
    for (size_t i = 0; i < ev->len; i++) upper[i] = (char)toupper(ev->data[i]);
    IS(pubsubgw_command_reply(g, ev->token, upper, ev->len), 0);
}

static void take_output(void)
{
    pubsubgw_slice slices[4];
    int n;
    while ((n = pubsubgw_session_output(g, session, slices, 4)) > 0) {
        size_t taken = 0;
        for (int i = 0; i < n; i++) {
            MUST(received_len + slices[i].len <= sizeof received);
            memcpy(received + received_len, slices[i].data, slices[i].len);
            received_len += slices[i].len;
            taken += slices[i].len;
        }
        if (pubsubgw_session_consume(g, session, taken) == 0) break;
    }
}

static void take_events(void)
{
    pubsubgw_event events[8];
    int n = pubsubgw_queue_wait(q, events, 8, sizeof events[0], WAIT_MS);
    MUST(n > 0);
    for (int i = 0; i < n; i++) {
        if (events[i].type == PUBSUBGW_EV_OUTPUT) take_output();
        if (events[i].type == PUBSUBGW_EV_COMMAND) answer(&events[i]);
        if (events[i].type != PUBSUBGW_EV_CLOSED) continue;
        MUST(!ended && events[i].len < sizeof end_reason);
        ended = 1;
        end_code = events[i].code;
        memcpy(end_reason, events[i].data, events[i].len);
    }
}

static void receive(const uint8_t *wanted, size_t len)
{
    while (received_len < len) take_events();
    MUST(!memcmp(received, wanted, len));
    received_len -= len;
    memmove(received, received + len, received_len);
}

static void open_session(const uint8_t *head, size_t len)
{
    pubsubgw_open o = opening(q, 7);
    o.route_id = NULL;
    o.request_head = head;
    o.request_head_len = len;
    IS(pubsubgw_session_open_bytes(g, &o, &session), 0);
}

static void perform(const char *word, const char *rest)
{
    static uint8_t head[4096];
    static size_t head_len;
    uint8_t bytes[4096];
    if (!strcmp(word, "head")) {
        head_len += bytes_of(rest, head + head_len, sizeof head - head_len);
        return;
    }
    if (!session) open_session(head, head_len);
    if (!strcmp(word, "send")) {
        IS(pubsubgw_session_feed(g, session, bytes, bytes_of(rest, bytes, sizeof bytes)), 0);
    } else if (!strcmp(word, "receive")) {
        receive(bytes, bytes_of(rest, bytes, sizeof bytes));
    } else {
        MUST(!strcmp(word, "closed"));
        while (!ended) take_events();
        char wanted[160];
        snprintf(wanted, sizeof wanted, "%d %s", end_code, end_reason);
        MUST(!strcmp(wanted, rest) && received_len == 0);
    }
}

int main(int argc, char **argv)
{
    MUST(argc == 2);
    FILE *file = fopen(argv[1], "r");
    MUST(file);
    IS(pubsubgw_new("{\"host_schemes\": [\"none\"]}", &g), 0);
    IS(pubsubgw_route_put(g, "transcript", TRANSCRIPT_ROUTE, strlen(TRANSCRIPT_ROUTE)), 0);
    IS(pubsubgw_start(g), 0);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    IS(pubsubgw_command_on(g, NULL, "cmd_upper", 1001, 1002, q), 0);
    char line[1024];
    int performed = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == 0 || line[0] == '#') continue;
        char *rest = strchr(line, ' ');
        MUST(rest);
        *rest++ = 0;
        perform(line, rest);
        performed++;
    }
    MUST(performed > 10 && ended);
    fclose(file);
    IS(pubsubgw_stop(g, 1000), 0);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    return 0;
}
