/* client.c - reads a Kafka partition with libpubsubgw: what is there, then what comes.
 *
 *   cc -o client client.c -lpubsubgw
 *   ./client localhost:9092 my-topic [PARTITION [RECORDS]]
 *
 * Prints one line per record and ends after RECORDS of them (0, the default: never). A program with
 * an event loop of its own waits for pubsubgw_queue_fd(q) to be readable and polls then. */
#include <inttypes.h>
#include <pubsubgw.h>
#include <stdio.h>
#include <stdlib.h>

enum { FETCH = 1, SUBSCRIPTION = 2 };    /* tokens: they come back in the events */

static int fail(const char *what) {
    fprintf(stderr, "client: %s: %s\n", what, pubsubgw_last_error());
    return 1;
}

static void bytes(const char *name, const void *data, size_t len) {
    if (data) printf(" %s=%.*s", name, (int)len, (const char *)data);
}

static void print(const pubsubgw_record *r) {
    printf("%s-%" PRId32 " @%" PRId64 " time=%" PRId64, r->topic, r->partition, r->offset,
           r->timestamp);
    bytes("key", r->key, r->key_len);
    bytes("value", r->value, r->value_len);
    for (size_t i = 0; i < r->header_count; i++)
        bytes(r->headers[i].name, r->headers[i].value, r->headers[i].value_len);
    putchar('\n');
}

/* Asks for everything from `offset` on; the records come as events. */
static int subscribe(pubsubgw_client *c, const char *topic, int partition, int64_t offset) {
    pubsubgw_subscribe_args a = {.struct_size = sizeof a, .topic = topic, .partition = partition};
    a.start = PUBSUBGW_START_OFFSET;
    a.offset = offset;
    return pubsubgw_subscribe(c, &a, SUBSCRIPTION);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return fprintf(stderr, "usage: %s BROKERS TOPIC [PARTITION [RECORDS]]\n", argv[0]), 2;
    int partition = argc > 3 ? atoi(argv[3]) : 0;
    long wanted = argc > 4 ? atol(argv[4]) : 0, seen = 0;
    char config[1000];
    snprintf(config, sizeof config, "{\"nodes\": \"%s\"}", argv[1]);

    pubsubgw_gateway *g;
    pubsubgw_queue *q;
    pubsubgw_client *c;
    if (pubsubgw_new(NULL, &g) < 0 || pubsubgw_start(g) < 0) return fail("start");
    if (pubsubgw_queue_new(g, 0, &q) < 0) return fail("queue");
    if (pubsubgw_client_new(g, config, q, 0, &c) < 0) return fail("client");

    pubsubgw_fetch_args first = {.struct_size = sizeof first, .topic = argv[2]};
    first.partition = partition;
    first.offset = -2;                   /* the beginning of the log */
    if (pubsubgw_fetch(c, &first, FETCH) < 0) return fail("fetch");

    int status = 0;
    while (status == 0 && (wanted == 0 || seen < wanted)) {
        pubsubgw_event events[16];
        int n = pubsubgw_queue_wait(q, events, 16, sizeof events[0], -1);
        for (int i = 0; i < n && status == 0; i++) {
            const pubsubgw_event *e = &events[i];
            if (e->type != PUBSUBGW_EV_RECORDS) continue;
            if (e->status < 0) {
                fprintf(stderr, "client: %s: %.*s\n", pubsubgw_error_name(e->status), (int)e->len,
                        (const char *)e->data);
                status = 1;
                continue;
            }
            for (size_t r = 0; r < e->len && (wanted == 0 || seen < wanted); r++, seen++)
                print(pubsubgw_event_record(e, r));
            /* The fetch says where to go on. */
            if (e->token == FETCH && subscribe(c, argv[2], partition, e->number2) < 0)
                status = fail("subscribe");
        }
        fflush(stdout);
        if (n < 0) status = fail("wait");
    }
    pubsubgw_client_destroy(c);
    pubsubgw_queue_destroy(q);
    pubsubgw_destroy(g);
    return status;
}
