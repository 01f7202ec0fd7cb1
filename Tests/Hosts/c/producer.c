/* Producers of the host's: arguments, records alone and in batches, from several threads, a full
 * buffer, reports or none, transactions, a loop that is busy, ends.
 *     producer BROKERS    with topics "plain" (3 partitions), "busy" (2), "tx", "line", "cut" and
 *                         "full" (1), empty
 * "plain" gets 3,000 records: key, value and header are the token; "busy" 40,000 from 4 threads;
 * "tx" what three transactions have: "a" and "c" committed, "b" aborted; and "in" committed, "out"
 * aborted. "line" gets 4,003 records, in the order of their keys; "cut" what was taken before a stop. */
#include "peer.h"

#include <pthread.h>
#include <stdatomic.h>

enum { PLAIN = 3000, THREADS = 4, EACH = 10000 };
static pubsubgw_gateway *g;
static pubsubgw_queue *q;
static pubsubgw_client *c;

static pubsubgw_producer *producer(const char *settings, uint64_t user_data)
{
    pubsubgw_producer *p = NULL;
    IS(pubsubgw_producer_new(c, settings, user_data, &p), 0);
    MUST(p != NULL);
    return p;
}

static pubsubgw_produce_args record(const char *topic, const char *value, uint64_t token)
{
    return (pubsubgw_produce_args){
        .struct_size = sizeof(pubsubgw_produce_args), .partition = -1, .topic = topic,
        .value = value, .value_len = strlen(value), .token = token,
    };
}

static void arguments(void)
{
    static const struct { const char *json, *told; } wrong[] = {
        {"", ""}, {"[]", ""}, {"{\"acks\": 2}", "acks"}, {"{\"acks\": \"some\"}", "acks"},
        {"{\"linger.ms\": -1}", "linger.ms"}, {"{\"linger_ms\": 86400001}", "86400000"},
        {"{\"linger.ms\": 1, \"linger_ms\": 1}", "linger.ms"}, {"{\"lingers\": 1}", "lingers"},
        {"{\"compression.type\": \"rar\"}", "zstd"}, {"{\"compression_gzip_level\": 10}", "1 to 9"},
        {"{\"partitioner\": \"best\"}", "murmur2_random"},
        {"{\"max_in_flight_requests_per_connection\": 6}", "1 to 5"},
        {"{\"acks\": 1, \"enable.idempotence\": true}", "enable.idempotence"},
        {"{\"acks\": 1, \"transactional.id\": \"x\"}", "transactional.id"},
        {"{\"delivery_timeout_ms\": 100}", "request.timeout.ms"},
        {"{\"buffer.memory\": 1}", "buffer.memory"}, {"{\"delivery_events\": 1}", "delivery_events"},
    };
    pubsubgw_producer *p = (pubsubgw_producer *)1;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        IS(pubsubgw_producer_new(c, wrong[i].json, 0, &p), PUBSUBGW_E_CONFIG);
        MUST(p == NULL && strstr(pubsubgw_last_error(), wrong[i].told));
    }
    IS(pubsubgw_producer_new(NULL, NULL, 0, &p), PUBSUBGW_E_INVALID);
    IS(pubsubgw_producer_new(c, NULL, 0, NULL), PUBSUBGW_E_INVALID);
    p = producer("{\"max.request.size\": 1000}", 0);
    IS(pubsubgw_produce(p, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_produce(NULL, NULL), PUBSUBGW_E_INVALID);
    IS(pubsubgw_produce_batch(p, NULL, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_produce_batch(p, NULL, 0), 0);
    pubsubgw_produce_args a = record(NULL, "v", 1);
    IS(pubsubgw_produce(p, &a), PUBSUBGW_E_INVALID);
    a.topic = "";
    IS(pubsubgw_produce(p, &a), PUBSUBGW_E_INVALID);
    a.topic = "plain";
    a.partition = -2;
    IS(pubsubgw_produce(p, &a), PUBSUBGW_E_INVALID);
    a.partition = -1;
    a.timestamp = -1;
    IS(pubsubgw_produce(p, &a), PUBSUBGW_E_INVALID);
    a.timestamp = 0;
    a.struct_size = 12;
    IS(pubsubgw_produce(p, &a), PUBSUBGW_E_INVALID);
    a.struct_size = sizeof a;
    a.value = NULL;
    IS(pubsubgw_produce(p, &a), PUBSUBGW_E_INVALID);
    a.value_len = 0;
    a.header_count = 1;
    IS(pubsubgw_produce(p, &a), PUBSUBGW_E_INVALID);
    a.header_count = 0;
    char large[1000] = {0};
    a.value = large;
    a.value_len = sizeof large;
    IS(pubsubgw_produce(p, &a), PUBSUBGW_E_INVALID);
    MUST(strstr(pubsubgw_last_error(), "max.request.size"));
    IS(pubsubgw_transaction_begin(p, 1), PUBSUBGW_E_INVALID);
    IS(pubsubgw_flush(NULL, 1), PUBSUBGW_E_INVALID);
    pubsubgw_event e;
    memset(&e, 0, sizeof e);
    MUST(pubsubgw_event_delivery(NULL) == NULL && pubsubgw_event_delivery(&e) == NULL);
    e.type = PUBSUBGW_EV_DELIVERY;
    MUST(pubsubgw_event_delivery(&e) == NULL);
    pubsubgw_producer_destroy(p);
    pubsubgw_producer_destroy(p);
    pubsubgw_producer_destroy(NULL);
    IS(pubsubgw_flush(p, 1), PUBSUBGW_E_GONE);
    MUST(no_event(q, 20));
}

static void flush(pubsubgw_producer *p, uint64_t token)
{
    IS(pubsubgw_flush(p, token), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_FLUSHED && e.token == token && e.status == 0);
}

/* Each token is told of once, with its place. */
static void plain(void)
{
    static int told[PLAIN];
    pubsubgw_producer *p = producer("{\"compression.type\": \"gzip\", \"linger_ms\": 20}", 7);
    int64_t next[3] = {0};
    for (uint64_t token = 0; token < PLAIN; token++) {
        char text[20];
        snprintf(text, sizeof text, "%d", (int)token);
        pubsubgw_header h = {.name = "n", .value = text, .value_len = strlen(text)};
        pubsubgw_produce_args a = record("plain", text, token);
        a.partition = token % 3;
        a.key = text;
        a.key_len = strlen(text);
        a.headers = &h;
        a.header_count = 1;
        a.timestamp = 1700000000000 + (int64_t)token;
        IS(pubsubgw_produce(p, &a), 0);
    }
    IS(pubsubgw_flush(p, 1), 0);
    IS(pubsubgw_flush(p, 1), PUBSUBGW_E_INVALID);
    int count = 0;
    for (;;) {
        pubsubgw_event e = next_event(q);
        MUST(e.user_data == 7);
        if (e.type == PUBSUBGW_EV_FLUSHED) break;
        MUST(e.type == PUBSUBGW_EV_DELIVERY && e.status == 0 && e.flags == 0);
        const pubsubgw_delivery *d = pubsubgw_event_delivery(&e);
        MUST(d && d->struct_size == sizeof *d && d->count == e.len && d->partition == e.code);
        MUST(strcmp(d->topic, "plain") == 0 && d->text[0] == 0 && d->timestamp == -1);
        MUST(d->offset == e.number && d->offset == next[d->partition]);
        next[d->partition] += (int64_t)d->count;
        for (size_t i = 0; i < d->count; i++) {
            MUST(d->tokens[i] < PLAIN && d->tokens[i] % 3 == (uint64_t)d->partition);
            MUST(told[d->tokens[i]]++ == 0);
            count++;
        }
    }
    MUST(count == PLAIN);
    flush(p, 1);
    pubsubgw_producer_destroy(p);
}

static void *busy_thread(void *arg)
{
    pubsubgw_produce_args batch[100];
    char text[100][24];
    pubsubgw_producer *p = arg;
    for (int done = 0; done < EACH; done += 100) {
        for (int i = 0; i < 100; i++) {
            snprintf(text[i], sizeof text[i], "%d", done + i);
            batch[i] = record("busy", text[i], 1);
            batch[i].key = "k";
            batch[i].key_len = (done + i) % 2;
        }
        IS(pubsubgw_produce_batch(p, batch, 100), 100);
    }
    return NULL;
}

static void busy(void)
{
    pubsubgw_producer *p = producer("{\"acks\": \"leader\", \"delivery_events\": \"failures\"}", 0);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) MUST(pthread_create(&threads[i], NULL, busy_thread, p) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    flush(p, 2);
    /* What has failed is told all the same. */
    pubsubgw_produce_args a = record("busy", "lost", 5);
    a.partition = 9;
    IS(pubsubgw_produce(p, &a), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_DELIVERY && e.status == PUBSUBGW_E_KAFKA - 3 && e.len == 1);
    const pubsubgw_delivery *d = pubsubgw_event_delivery(&e);
    MUST(d && d->tokens[0] == 5 && d->offset == -1 && strstr(d->text, "9"));
    pubsubgw_producer_destroy(p);
}

static void full(void)
{
    pubsubgw_producer *p = producer("{\"buffer.memory\": 2000, \"linger.ms\": 1000}", 9);
    char value[300] = {0};
    pubsubgw_produce_args a[10];
    for (int i = 0; i < 10; i++) {
        a[i] = record("full", "", (uint64_t)i);
        a[i].value = value;
        a[i].value_len = sizeof value;
    }
    IS(pubsubgw_produce_batch(p, a, 10), 5);
    IS(pubsubgw_produce(p, &a[5]), PUBSUBGW_E_FULL);
    IS(pubsubgw_flush(p, 3), 0);
    pubsubgw_event e = next_event(q);
    size_t told = 0;
    for (; e.type == PUBSUBGW_EV_DELIVERY; e = next_event(q)) told += e.len;
    if (e.type == PUBSUBGW_EV_FLUSHED) {
        MUST(told == 5);
        e = next_event(q);
        MUST(e.type == PUBSUBGW_EV_ROOM && e.user_data == 9);
    } else {
        MUST(e.type == PUBSUBGW_EV_ROOM);
        while ((e = next_event(q)).type != PUBSUBGW_EV_FLUSHED) {}
    }
    IS(pubsubgw_produce_batch(p, a + 5, 5), 5);
    pubsubgw_producer_destroy(p);
}

static pubsubgw_event transacted(int step, uint64_t token)
{
    pubsubgw_event e;
    do e = next_event(q); while (e.type == PUBSUBGW_EV_DELIVERY);
    MUST(e.type == PUBSUBGW_EV_TRANSACTION && e.code == step && e.token == token);
    return e;
}

static void transactions(void)
{
    pubsubgw_producer *p = producer(
        "{\"transactional.id\": \"tx\", \"topic.metadata.propagation.max.ms\": 200}", 0);
    static const char *const values[] = {"a", "b", "c"};
    pubsubgw_produce_args a = record("tx", "outside", 1);
    IS(pubsubgw_produce(p, &a), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_DELIVERY && e.status == PUBSUBGW_E_STATE);
    /* Nothing is waited for in between. */
    for (int i = 0; i < 3; i++) {
        IS(pubsubgw_transaction_begin(p, 10), 0);
        a = record("tx", values[i], (uint64_t)i);
        IS(pubsubgw_produce(p, &a), 0);
        IS(pubsubgw_produce(p, &a), 0);
        if (i != 1) IS(pubsubgw_transaction_commit(p, 20), 0);
        else IS(pubsubgw_flush(p, 11), 0);      /* an abort sends nothing more */
        e = transacted(PUBSUBGW_TRANSACTION_BEGIN, 10);
        MUST(e.status == 0);
        if (i == 1) {
            do e = next_event(q); while (e.type == PUBSUBGW_EV_DELIVERY);
            MUST(e.type == PUBSUBGW_EV_FLUSHED);
            IS(pubsubgw_transaction_abort(p, 20), 0);
        }
        e = transacted(i == 1 ? PUBSUBGW_TRANSACTION_ABORT : PUBSUBGW_TRANSACTION_COMMIT, 20);
        MUST(e.status == 0 && e.flags == 0);
    }
    /* A record that is not delivered breaks the transaction. */
    IS(pubsubgw_transaction_begin(p, 10), 0);
    a = record("none", "x", 1);
    IS(pubsubgw_produce(p, &a), 0);
    IS(pubsubgw_transaction_commit(p, 20), 0);
    MUST(transacted(PUBSUBGW_TRANSACTION_BEGIN, 10).status == 0);
    e = transacted(PUBSUBGW_TRANSACTION_COMMIT, 20);
    MUST(e.status < 0 && (e.flags & PUBSUBGW_MUST_ABORT) && e.len > 0);
    IS(pubsubgw_transaction_begin(p, 10), 0);
    e = transacted(PUBSUBGW_TRANSACTION_BEGIN, 10);
    MUST(e.status == PUBSUBGW_E_STATE && (e.flags & PUBSUBGW_MUST_ABORT));
    IS(pubsubgw_transaction_abort(p, 30), 0);
    MUST(transacted(PUBSUBGW_TRANSACTION_ABORT, 30).status == 0);
    /* Another one with the same id takes its place. */
    pubsubgw_producer *other = producer("{\"transactional.id\": \"tx\"}", 1);
    IS(pubsubgw_transaction_begin(p, 10), 0);
    MUST(transacted(PUBSUBGW_TRANSACTION_BEGIN, 10).status == 0);
    a = record("tx", "fenced", 1);
    IS(pubsubgw_produce(p, &a), 0);
    IS(pubsubgw_flush(p, 11), 0);
    do e = next_event(q); while (e.type == PUBSUBGW_EV_DELIVERY);
    MUST(e.type == PUBSUBGW_EV_FLUSHED);
    IS(pubsubgw_transaction_begin(other, 40), 0);
    MUST(transacted(PUBSUBGW_TRANSACTION_BEGIN, 40).status == 0);
    IS(pubsubgw_transaction_commit(p, 20), 0);
    e = transacted(PUBSUBGW_TRANSACTION_COMMIT, 20);
    MUST(e.status < PUBSUBGW_E_KAFKA && (e.flags & PUBSUBGW_FATAL));
    pubsubgw_producer_destroy(p);
    pubsubgw_producer_destroy(other);
}

/* A loop that is busy: in a function of the host's, against the rules. */
static atomic_int hold, held;

static void log_line(void *arg, int level, const char *line, size_t len)
{
    (void)arg, (void)level, (void)line, (void)len;
    if (!atomic_load(&hold) || atomic_exchange(&held, 1)) return;
    while (atomic_load(&hold)) usleep(1000);
}

/* What cannot be connected to is logged. */
static pubsubgw_client *hold_loop(pubsubgw_gateway *one, pubsubgw_queue *events)
{
    pubsubgw_client *nobody;
    atomic_store(&held, 0);
    atomic_store(&hold, 1);
    IS(pubsubgw_client_new(one, "{\"nodes\": \"127.0.0.1:1\"}", events, 1, &nobody), 0);
    IS(pubsubgw_metadata(nobody, NULL, 99), 0);
    for (int i = 0; !atomic_load(&held); i++) {
        MUST(i < WAIT_MS);
        usleep(1000);
    }
    return nobody;
}

static void let_go(pubsubgw_client *nobody)
{
    atomic_store(&hold, 0);
    pubsubgw_client_destroy(nobody);
}

/* What one thread asks for while the loop is busy is done in the order of its calls. */
static void order(const char *config)
{
    enum { MANY = 4000 };
    char value[100] = {0};
    IS(pubsubgw_set_log(PUBSUBGW_LOG_INFO, log_line, NULL), 0);
    pubsubgw_gateway *one = gateway("{\"threads\": 1}");
    pubsubgw_queue *events;
    pubsubgw_client *client;
    IS(pubsubgw_queue_new(one, 0, &events), 0);
    IS(pubsubgw_client_new(one, config, events, 0, &client), 0);
    pubsubgw_producer *p, *tx;
    IS(pubsubgw_producer_new(client, "{\"linger.ms\": 20}", 1, &p), 0);
    IS(pubsubgw_producer_new(client, "{\"linger.ms\": 20, \"transactional.id\": \"line\"}", 2, &tx), 0);

    pubsubgw_client *nobody = hold_loop(one, events);
    static uint64_t keys[MANY + 3];
    static pubsubgw_produce_args all[MANY + 3];
    for (uint64_t i = 0; i < MANY + 3; i++) {
        keys[i] = i;
        all[i] = record("line", "", i);
        all[i].key = &keys[i];
        all[i].key_len = sizeof keys[i];
        all[i].value = value;
        all[i].value_len = sizeof value;
    }
    IS(pubsubgw_produce(p, &all[0]), 0);
    IS(pubsubgw_produce_batch(p, all + 1, MANY), MANY);
    IS(pubsubgw_produce(p, &all[MANY + 1]), 0);
    IS(pubsubgw_produce(p, &all[MANY + 2]), 0);
    IS(pubsubgw_flush(p, 1), 0);
    pubsubgw_produce_args in = record("tx", "in", 1), out = record("tx", "out", 2);
    IS(pubsubgw_transaction_begin(tx, 10), 0);
    IS(pubsubgw_produce(tx, &in), 0);
    IS(pubsubgw_transaction_commit(tx, 11), 0);
    IS(pubsubgw_transaction_begin(tx, 12), 0);
    IS(pubsubgw_produce(tx, &out), 0);
    IS(pubsubgw_transaction_abort(tx, 13), 0);
    let_go(nobody);

    int64_t offset = 0;
    uint64_t told = 10;
    for (int left = 2; left > 0;) {
        pubsubgw_event e = next_event(events);
        if (e.type == PUBSUBGW_EV_DELIVERY && e.user_data == 1) {
            const pubsubgw_delivery *d = pubsubgw_event_delivery(&e);
            MUST(e.status == 0 && d->offset == offset);
            for (size_t i = 0; i < d->count; i++) MUST(d->tokens[i] == (uint64_t)offset++);
        } else if (e.type == PUBSUBGW_EV_FLUSHED && e.token == 1) {
            MUST(offset == MANY + 3);
            left--;
        } else if (e.user_data == 2 && e.type != PUBSUBGW_EV_DELIVERY) {
            MUST(e.status == 0 && e.token == told++);
            if (e.token == 13) left--;
        }
    }
    pubsubgw_producer_destroy(p);
    pubsubgw_producer_destroy(tx);
    pubsubgw_client_destroy(client);
    pubsubgw_destroy(one);
    pubsubgw_queue_destroy(events);
    IS(pubsubgw_set_log(PUBSUBGW_LOG_WARN, NULL, NULL), 0);
}

/* Takes what it is given until the gateway has stopped. */
struct writer {
    pubsubgw_producer *p;
    atomic_long taken;
};

static void *write_on(void *arg)
{
    struct writer *w = arg;
    pubsubgw_produce_args batch[10];
    for (int i = 0; i < 10; i++) batch[i] = record("cut", "value", 1);
    for (int i = 0;; i++) {
        int n = i % 2 ? pubsubgw_produce_batch(w->p, batch, 10) : pubsubgw_produce(w->p, batch);
        if (n == PUBSUBGW_E_FULL) {
            usleep(100);
            continue;
        }
        if (n < 0) {
            IS(n, PUBSUBGW_E_STATE);
            return NULL;
        }
        atomic_fetch_add(&w->taken, i % 2 ? n : 1);
    }
}

/* Whatever was taken is told of, though the gateway stops at any moment. */
static void cut(const char *config)
{
    for (int round = 0; round < 8; round++) {
        pubsubgw_gateway *one = gateway("{\"threads\": 1}");
        pubsubgw_queue *events;
        pubsubgw_client *client;
        IS(pubsubgw_queue_new(one, 0, &events), 0);
        IS(pubsubgw_client_new(one, config, events, 0, &client), 0);
        struct writer w = {0};
        IS(pubsubgw_producer_new(
               client, round % 2 ? "{\"linger.ms\": 0, \"buffer.memory\": 1000000}"
                                 : "{\"linger.ms\": 60000, \"buffer.memory\": 1000000}",
               0, &w.p), 0);
        pthread_t thread;
        MUST(pthread_create(&thread, NULL, write_on, &w) == 0);
        while (atomic_load(&w.taken) == 0) usleep(100);
        usleep(1000 * round);
        IS(pubsubgw_stop(one, 0), 0);
        pthread_join(thread, NULL);
        pubsubgw_produce_args a = record("cut", "late", 1);
        IS(pubsubgw_produce(w.p, &a), PUBSUBGW_E_STATE);
        IS(pubsubgw_produce_batch(w.p, &a, 1), PUBSUBGW_E_STATE);
        IS(pubsubgw_flush(w.p, 1), PUBSUBGW_E_STATE);
        long told = 0;
        pubsubgw_event e;
        while (pubsubgw_queue_wait(events, &e, 1, sizeof e, 0) == 1) {
            if (e.type == PUBSUBGW_EV_DELIVERY) told += (long)e.len;
        }
        MUST(told == atomic_load(&w.taken));
        pubsubgw_producer_destroy(w.p);
        pubsubgw_client_destroy(client);
        pubsubgw_destroy(one);
        pubsubgw_queue_destroy(events);
    }
}

static void ends(void)
{
    pubsubgw_producer *p = producer("{\"linger.ms\": 60000}", 3);
    pubsubgw_client_destroy(c);
    pubsubgw_produce_args a = record("full", "last", 8);
    /* It has outlived its client. */
    IS(pubsubgw_produce(p, &a), 0);
    IS(pubsubgw_flush(p, 4), 0);
    pubsubgw_event e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_DELIVERY && e.status == 0);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_FLUSHED);
    IS(pubsubgw_produce(p, &a), 0);
    IS(pubsubgw_stop(g, 1000), 0);
    e = next_event(q);
    MUST(e.type == PUBSUBGW_EV_DELIVERY && e.status == PUBSUBGW_E_GONE && e.flags & PUBSUBGW_FATAL);
    MUST(pubsubgw_event_delivery(&e)->tokens[0] == 8);
    IS(pubsubgw_flush(p, 4), PUBSUBGW_E_STATE);
    pubsubgw_producer_destroy(p);
}

int main(int argc, char **argv)
{
    MUST(argc == 2 && pubsubgw_has_feature("producer"));
    char config[200];
    snprintf(config, sizeof config, "{\"nodes\": \"%s\"}", argv[1]);
    g = gateway("{\"threads\": 2}");
    IS(pubsubgw_queue_new(g, 0, &q), 0);
    IS(pubsubgw_client_new(g, config, q, 77, &c), 0);
    arguments();
    plain();
    busy();
    full();
    transactions();
    order(config);
    cut(config);
    ends();
    pubsubgw_destroy(g);
    pubsubgw_queue_destroy(q);
    return 0;
}
