/* The direct client beside librdkafka's consumer: subscribe, take events, look at each record.
 *
 *   direct_consume BROKERS TOPIC RECORDS      prints: records seconds cpu_seconds bytes */
#include <pubsubgw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    long wanted = atol(argv[3]), got = 0;
    unsigned long bytes = 0;
    char config[500];
    snprintf(config, sizeof config, "{\"nodes\": \"%s\"}", argv[1]);
    pubsubgw_gateway *g;
    pubsubgw_queue *q;
    pubsubgw_client *c;
    pubsubgw_subscribe_args a = {.struct_size = sizeof a, .topic = argv[2]};
    a.start = PUBSUBGW_START_OFFSET;
    if (pubsubgw_new(NULL, &g) < 0 || pubsubgw_start(g) < 0 || pubsubgw_queue_new(g, 0, &q) < 0
        || pubsubgw_client_new(g, config, q, 0, &c) < 0 || pubsubgw_subscribe(c, &a, 1) < 0)
        return fprintf(stderr, "%s\n", pubsubgw_last_error()), 1;
    struct timespec t0, t1;
    double c0 = 0;
    long first = 0;
    while (got < wanted) {
        pubsubgw_event events[16];
        int n = pubsubgw_queue_wait(q, events, 16, sizeof events[0], 10000);
        if (n <= 0) { fprintf(stderr, "nothing for 10 s after %ld records\n", got); return 1; }
        for (int i = 0; i < n; i++) {
            if (events[i].status < 0) { fprintf(stderr, "%.*s\n", (int)events[i].len, events[i].data); return 1; }
            for (size_t r = 0; r < events[i].len; r++) bytes += pubsubgw_event_record(&events[i], r)->value_len;
            got += (long)events[i].len;
        }
        if (!first) { clock_gettime(CLOCK_MONOTONIC, &t0); c0 = cpu(); first = got; }   /* without the start-up */
    }
    clock_gettime(CLOCK_MONOTONIC, &t1);
    printf("%ld %.3f %.4f %lu\n", got - first, (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9, cpu() - c0, bytes);
    fflush(stdout);
    _exit(0);
}
