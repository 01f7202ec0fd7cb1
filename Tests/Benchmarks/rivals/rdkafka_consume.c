/* The rival of a fetch: librdkafka's consumer, bare: assign, take batches, count.
 *
 *   rdkafka_consume BROKERS TOPIC RECORDS [CHECK_CRCS]     prints: records seconds cpu_seconds bytes */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 4 && argc != 5) return 2;
    char error[512];
    long wanted = atol(argv[3]), got = 0, first = 0;
    unsigned long bytes = 0;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], error, sizeof error);
    rd_kafka_conf_set(conf, "group.id", "bench", error, sizeof error);
    rd_kafka_conf_set(conf, "enable.auto.commit", "false", error, sizeof error);
    rd_kafka_conf_set(conf, "isolation.level", "read_uncommitted", error, sizeof error);
    rd_kafka_conf_set(conf, "check.crcs", argc > 4 ? argv[4] : "false", error, sizeof error);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!rk) { fprintf(stderr, "%s\n", error); return 1; }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, argv[2], 0)->offset = 0;
    rd_kafka_assign(rk, list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    rd_kafka_message_t *batch[1000];
    struct timespec t0, t1;
    double c0 = 0;
    while (got < wanted) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, 10000, batch, 1000);
        if (n <= 0) { fprintf(stderr, "nothing for 10 s after %ld records\n", got); return 1; }
        for (ssize_t i = 0; i < n; i++) {
            got += !batch[i]->err;
            bytes += batch[i]->len;
            rd_kafka_message_destroy(batch[i]);
        }
        if (!first) { clock_gettime(CLOCK_MONOTONIC, &t0); c0 = cpu(); first = got; }   /* without the start-up */
    }
    clock_gettime(CLOCK_MONOTONIC, &t1);
    printf("%ld %.3f %.4f %lu\n", got - first, (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9, cpu() - c0, bytes);
    fflush(stdout);
    _exit(0);
}
