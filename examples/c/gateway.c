/* gateway.c - a whole Kafka-to-WebSocket gateway over libpubsubgw.
 *
 *   cc -o gateway gateway.c -lpubsubgw
 *   ./gateway 127.0.0.1:9080 route.json [more-routes.json ...]
 *
 * Prints the port it listens on. SIGINT or SIGTERM: clients get close code 1001 and up to ten
 * seconds to answer it. SIGUSR1 prints the metrics. */
#include <pubsubgw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what) {
    fprintf(stderr, "gateway: %s: %s\n", what, pubsubgw_last_error());
    return 1;
}

/* Puts the route of one file under an id made of its place on the command line. */
static int put_route(pubsubgw_gateway *g, int number, const char *path) {
    char json[65536], id[32];
    FILE *file = fopen(path, "r");
    if (!file) return perror(path), 1;
    size_t size = fread(json, 1, sizeof json, file);
    fclose(file);
    if (size == sizeof json) return fprintf(stderr, "gateway: %s: over 64 KiB\n", path), 1;
    snprintf(id, sizeof id, "route-%d", number);
    return pubsubgw_route_put(g, id, json, size) < 0 ? fail(path) : 0;
}

int main(int argc, char **argv) {
    if (argc < 3) return fprintf(stderr, "usage: %s ADDRESS:PORT ROUTE.json ...\n", argv[0]), 2;

    sigset_t signals;                    /* the library's threads take no signals; this one waits */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    pubsubgw_gateway *g;
    if (pubsubgw_new(NULL, &g) < 0) return fail("new");
    for (int i = 2; i < argc; i++)
        if (put_route(g, i - 1, argv[i])) return 1;
    if (pubsubgw_start(g) < 0) return fail("start");
    int port = pubsubgw_listen(g, argv[1], 0);
    if (port < 0) return fail(argv[1]);
    printf("listening on port %d\n", port);
    fflush(stdout);

    int signal;
    while (sigwait(&signals, &signal) == 0 && signal == SIGUSR1) {
        char *text = pubsubgw_metrics_text(g, NULL);
        fputs(text ? text : pubsubgw_last_error(), stdout);
        fflush(stdout);
        pubsubgw_free(text);
    }
    pubsubgw_drain(g, 1001, 10000);      /* "going away"; new clients get 503 */
    pubsubgw_stop(g, 10000);
    pubsubgw_destroy(g);
    return 0;
}
