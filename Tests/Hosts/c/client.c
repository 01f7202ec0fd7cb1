/* The direct Kafka client: arguments, requests, subscriptions under back-pressure, ends.
 *     client BROKERS    with topic "filled": 3 partitions of 1,000 records, and topic "live" */
#include "peer.h"

#include <pthread.h>

static pubsubgw_gateway *g;
static pubsubgw_queue *q;
static pubsubgw_client *c;
static char config[200];

static int fetch(const char *topic, int partition, int64_t offset, int max_bytes, uint64_t token)
{
    pubsubgw_fetch_args a = {
        .struct_size = sizeof a, .topic = topic, .partition = partition, .offset = offset,
        .max_bytes = max_bytes,
    };
    return pubsubgw_fetch(c, &a, token);
}

static pubsubgw_subscribe_args subscription(const char *topic, int partition, int start)
{
    return (pubsubgw_subscribe_args){
        .struct_size = sizeof(pubsubgw_subscribe_args), .topic = topic, .partition = partition,
        .start = start,
    };
}

static void arguments(void)
{
    pubsubgw_client *other = (pubsubgw_client *)1;
    static const char *const wrong[] = {"", "{}", "[]", "{\"nodes\": 1}", "{\"nodes\": \"a\", \"x\": 1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        IS(pubsubgw_client_new(g, wrong[i], q, 0, &other), PUBSUBGW_E_CONFIG);
        MUST(other == NULL);
    }
    IS(pubsubgw_client_new(g, "{\"route\": \"none\"}", q, 0, &other), PUBSUBGW_E_NO_ROUTE);
    IS(pubsubgw_client_new(g, NULL, q, 0, &other), PUBSUBGW_E_INVALID);
    IS(pubsubgw_client_new(g, config, NULL, 0, &other), PUBSUBGW_E_INVALID);
    IS(pubsubgw_client_new(g, config, q, 0, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_client_new(NULL, config, q, 0, &other), PUBSUBGW_E_INVALID);
    IS(pubsubgw_fetch(c, NULL, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_subscribe(c, NULL, 1), PUBSUBGW_E_INVALID);
    IS(fetch(NULL, 0, 0, 0, 1), PUBSUBGW_E_INVALID);
    IS(fetch("", 0, 0, 0, 1), PUBSUBGW_E_INVALID);
    IS(fetch("filled", -1, 0, 0, 1), PUBSUBGW_E_INVALID);
    IS(fetch("filled", 0, -3, 0, 1), PUBSUBGW_E_INVALID);
    IS(fetch("filled", 0, 0, -1, 1), PUBSUBGW_E_INVALID);
    pubsubgw_subscribe_args a = subscription("filled", 0, 7);
    IS(pubsubgw_subscribe(c, &a, 1), PUBSUBGW_E_INVALID);
    a = subscription("filled", 0, PUBSUBGW_START_OFFSET);
    a.offset = -1;
    IS(pubsubgw_subscribe(c, &a, 1), PUBSUBGW_E_INVALID);
    a = subscription("filled", 0, PUBSUBGW_START_TIMESTAMP);
    a.timestamp = -1;
    IS(pubsubgw_subscribe(c, &a, 1), PUBSUBGW_E_INVALID);
    a = subscription("filled", 0, PUBSUBGW_START_LATEST);
    a.isolation = 3;
    IS(pubsubgw_subscribe(c, &a, 1), PUBSUBGW_E_INVALID);
    a.isolation = 0;
    a.options_json = "{\"max_bytes\": 0}";
    IS(pubsubgw_subscribe(c, &a, 1), PUBSUBGW_E_CONFIG);
    a.struct_size = 12;
    IS(pubsubgw_subscribe(c, &a, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_metadata(c, "", 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_list_offset(c, NULL, 0, -1, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_cancel(c, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_cancel(NULL, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_metadata((pubsubgw_client *)q, NULL, 1), PUBSUBGW_E_INVALID);
    MUST(pubsubgw_event_record(NULL, 0) == NULL);
    pubsubgw_event e;
    memset(&e, 0, sizeof e);
    MUST(pubsubgw_event_record(&e, 0) == NULL);
    e.type = PUBSUBGW_EV_RECORDS;
    e.len = 1;
    MUST(pubsubgw_event_record(&e, 0) == NULL);
    MUST(no_event(q, 0));
}

static void requests(void)
{
    IS(fetch("filled", 1, 10, 0, UINT64_MAX), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_RECORDS && e.status == 0 && e.token == UINT64_MAX);
    MUST(e.user_data == 77 && e.flags == PUBSUBGW_LAST && e.code == 1 && e.len > 0);
    MUST(e.number2 == 10 + (int64_t)e.len);
    for (size_t i = 0; i < e.len; i++) {
        const pubsubgw_record *r = pubsubgw_event_record(&e, i);
        MUST(r && r->struct_size == sizeof *r && r->offset == 10 + (int64_t)i);
        MUST(strcmp(r->topic, "filled") == 0 && r->partition == 1 && r->value && r->value_len > 0);
    }
    MUST(pubsubgw_event_record(&e, e.len) == NULL && pubsubgw_event_record(&e, SIZE_MAX) == NULL);

    IS(fetch("filled", 0, -1, 0, 1), 0);
    e = next_event(q);
    MUST(e.status == 0 && e.len == 0 && e.data == NULL && e.number2 == 1000 && e.number == 1000);
    IS(fetch("filled", 0, 5000, 0, 1), 0);
    e = next_event(q);
    MUST(e.status == PUBSUBGW_E_KAFKA - 1 && e.flags == PUBSUBGW_LAST && e.len > 0);
    MUST(e.number == 1000 && e.number2 == 0 && pubsubgw_event_record(&e, 0) == NULL);
    IS(pubsubgw_list_offset(c, "filled", 2, -1, 5), 0);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_OFFSET && e.status == 0 && e.token == 5 && e.number == 1000);
    IS(pubsubgw_metadata(c, "filled", 6), 0);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_METADATA && e.status == 0 && e.flags == PUBSUBGW_LAST);
    MUST(strstr((const char *)e.data, "{\"topics\":[{\"name\":\"filled\",\"partitions\":[{\"partition\":0,"));
    MUST(strlen((const char *)e.data) == e.len);
    IS(pubsubgw_metadata(c, "no-such-topic", 6), 0);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_METADATA && e.status == PUBSUBGW_E_KAFKA - 3);
}

/* Many events wait, and go on coming as they are taken; few at a time, and in order. */
static void back_pressure(void)
{
    pubsubgw_subscribe_args a = subscription("filled", 0, PUBSUBGW_START_EARLIEST);
    a.options_json = "{\"max_bytes\": 1, \"queue_bytes\": 2000}";
    IS(pubsubgw_subscribe(c, &a, 9), 0);
    IS(pubsubgw_subscribe(c, &a, 9), PUBSUBGW_E_INVALID);
    pubsubgw_stats stats = {.struct_size = sizeof stats};
    for (int i = 0; i < WAIT_MS / 10 && stats.queued_events == 0; i++) {
        usleep(10000);
        IS(pubsubgw_get_stats(g, &stats), 0);
    }
    usleep(300000);                      /* more would come now */
    IS(pubsubgw_get_stats(g, &stats), 0);
    MUST(stats.queued_events > 0 && stats.queued_events < 100);
    for (int64_t offset = 0; offset < 1000; offset++) {
        pubsubgw_event e = next_event(q);
        MUST(e.type == PUBSUBGW_EV_RECORDS && e.token == 9 && e.flags == 0 && e.len == 1);
        MUST(pubsubgw_event_record(&e, 0)->offset == offset && e.number2 == offset + 1);
    }
    MUST(no_event(q, 20));
    IS(pubsubgw_cancel(c, 9), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.token == 9 && e.status == PUBSUBGW_E_GONE && e.flags == PUBSUBGW_LAST);
    IS(pubsubgw_cancel(c, 9), PUBSUBGW_E_INVALID);
}

/* Large batches of events in one poll: all their records are valid until the next one. */
static void whole_topic(void)
{
    pubsubgw_event events[64];
    int64_t next[3] = {0};
    size_t total = 0;
    for (int p = 0; p < 3; p++) {
        pubsubgw_subscribe_args a = subscription("filled", p, PUBSUBGW_START_EARLIEST);
        a.options_json = "{\"max_bytes\": 4000}";
        IS(pubsubgw_subscribe(c, &a, (uint64_t)p), 0);
    }
    while (total < 3000) {
        int n = pubsubgw_queue_wait(q, events, 64, sizeof *events, WAIT_MS);
        MUST(n > 0);
        for (int i = 0; i < n; i++) {
            for (size_t r = 0; r < events[i].len; r++) {
                const pubsubgw_record *record = pubsubgw_event_record(&events[i], r);
                MUST(record->offset == next[events[i].token]++);
            }
            total += events[i].len;
        }
    }
    MUST(next[0] == 1000 && next[1] == 1000 && next[2] == 1000);
}

static void ends(void)
{
    /* Three subscriptions live. */
    pubsubgw_client_destroy(c);
    pubsubgw_client_destroy(c);
    for (int i = 0; i < 3; i++) {
        pubsubgw_event e = next_event(q);
        MUST(e.status == PUBSUBGW_E_GONE && e.flags == PUBSUBGW_LAST && e.user_data == 77);
    }
    MUST(no_event(q, 20));
    IS(pubsubgw_metadata(c, NULL, 1), PUBSUBGW_E_GONE);

    /* A queue that goes first. */
    pubsubgw_queue *own;
    IS(pubsubgw_queue_new(g, 0, &own), 0);
    IS(pubsubgw_client_new(g, "{\"route\": \"kafka\"}", own, 0, &c), 0);
    pubsubgw_subscribe_args a = subscription("filled", 0, PUBSUBGW_START_EARLIEST);
    IS(pubsubgw_subscribe(c, &a, 1), 0);
    pubsubgw_queue_destroy(own);
    int status;
    for (int i = 0; (status = fetch("filled", 0, 0, 0, 2)) != PUBSUBGW_E_GONE && i < 2000; i++)
        usleep(10000);
    IS(status, PUBSUBGW_E_GONE);
    pubsubgw_client_destroy(c);

    /* The gateway. */
    IS(pubsubgw_client_new(g, "{\"route\": \"kafka\"}", q, 5, &c), 0);
    a = subscription("filled", 0, PUBSUBGW_START_LATEST);
    IS(pubsubgw_subscribe(c, &a, 1), 0);
    usleep(50000);
    IS(pubsubgw_stop(g, 1000), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_RECORDS && e.status < 0 && e.flags == PUBSUBGW_LAST && e.user_data == 5);
    IS(fetch("filled", 0, 0, 0, 2), PUBSUBGW_E_STATE);
    pubsubgw_client_destroy(c);
}

int main(int argc, char **argv)
{
    MUST(argc == 2 && pubsubgw_has_feature("client"));
    char route[300];
    snprintf(config, sizeof config, "{\"nodes\": \"%s\"}", argv[1]);
    snprintf(route, sizeof route,
             "{\"uri\": \"/kafka\", \"upstream\": {\"scheme\": \"kafka\", \"nodes\": \"%s\"}}", argv[1]);
    g = gateway("{\"threads\": 2}");
    IS(pubsubgw_route_put(g, "kafka", route, strlen(route)), 0);
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    IS(pubsubgw_client_new(g, config, q, 77, &c), 0);
    arguments();
    requests();
    back_pressure();
    whole_topic();
    ends();
    pubsubgw_destroy(g);
    pubsubgw_queue_destroy(q);
    return 0;
}
