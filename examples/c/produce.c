/* produce.c - sends the lines of standard input to a Kafka topic with libpubsubgw.
 *
 *   cc -o produce produce.c -lpubsubgw
 *   ./produce localhost:9092 my-topic < lines
 *
 * Says at the end how many were stored; exits 1 if one was not. */
#include <inttypes.h>
#include <pubsubgw.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what) {
    fprintf(stderr, "produce: %s: %s\n", what, pubsubgw_last_error());
    return 1;
}

static uint64_t stored, lost;

/* Takes events; 1 once `type` was among them, -1 on failure. */
static int take(pubsubgw_queue *q, uint32_t type, int timeout_ms) {
    pubsubgw_event events[16];
    int found = 0, n = pubsubgw_queue_wait(q, events, 16, sizeof *events, timeout_ms);
    for (int i = 0; i < n; i++) {
        found |= events[i].type == type;
        const pubsubgw_delivery *d = pubsubgw_event_delivery(&events[i]);
        if (!d) continue;
        if (events[i].status == 0) {
            stored += d->count;
        } else {
            lost += d->count;
            fprintf(stderr, "line %" PRIu64 ": %s\n", d->tokens[0], d->text);
        }
    }
    return n < 0 ? -1 : found;
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: %s BROKERS TOPIC\n", argv[0]), 2;
    char config[1000], line[65536];
    snprintf(config, sizeof config, "{\"nodes\": \"%s\"}", argv[1]);

    pubsubgw_gateway *g;
    pubsubgw_queue *q;
    pubsubgw_client *c;
    pubsubgw_producer *p;
    if (pubsubgw_new(NULL, &g) < 0 || pubsubgw_start(g) < 0) return fail("start");
    if (pubsubgw_queue_new(g, 0, &q) < 0) return fail("queue");
    if (pubsubgw_client_new(g, config, q, 0, &c) < 0) return fail("client");
    if (pubsubgw_producer_new(c, "{\"linger.ms\": 5}", 0, &p) < 0) return fail("producer");

    for (uint64_t number = 1; fgets(line, sizeof line, stdin); number++) {
        pubsubgw_produce_args a = {.struct_size = sizeof a, .partition = -1, .topic = argv[2]};
        a.value = line;
        a.value_len = strcspn(line, "\n");
        a.token = number;
        int status;
        /* The buffer is full: room is told by an event, and the reports make it. */
        while ((status = pubsubgw_produce(p, &a)) == PUBSUBGW_E_FULL)
            if (take(q, PUBSUBGW_EV_ROOM, -1) < 0) return fail("wait");
        if (status < 0) return fail("produce");
    }
    int done = pubsubgw_flush(p, 0) < 0 ? -1 : 0;
    while (done == 0) done = take(q, PUBSUBGW_EV_FLUSHED, -1);
    if (done < 0) return fail("flush");
    printf("%" PRIu64 " stored, %" PRIu64 " lost\n", stored, lost);

    pubsubgw_producer_destroy(p);
    pubsubgw_client_destroy(c);
    pubsubgw_destroy(g);
    pubsubgw_queue_destroy(q);
    return lost > 0;
}
