/* The least of a host: one route, one listener; prints the port, serves until its input ends. The
 * line "metrics" is answered with the metrics, and "# end".
 *
 *   host CONFIG_JSON|- ROUTE_JSON        (CONFIG_JSON: the gateway's settings, - for the defaults) */
#include <pubsubgw.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    pubsubgw_gateway *g;
    char rest[256];
    int port;
    if (argc != 3) return 2;
    if (pubsubgw_new(strcmp(argv[1], "-") ? argv[1] : NULL, &g) < 0
        || pubsubgw_route_put(g, "bench", argv[2], strlen(argv[2])) < 0 || pubsubgw_start(g) < 0
        || (port = pubsubgw_listen(g, "127.0.0.1:0", 0)) < 0) {
        fprintf(stderr, "%s\n", pubsubgw_last_error());
        return 1;
    }
    printf("%d\n", port);
    fflush(stdout);
    while (fgets(rest, sizeof rest, stdin)) {
        if (strcmp(rest, "metrics\n")) continue;
        char *text = pubsubgw_metrics_text(g, NULL);
        printf("%s# end\n", text ? text : "");
        fflush(stdout);
        pubsubgw_free(text);
    }
    pubsubgw_stop(g, 1000);
    pubsubgw_destroy(g);
    return 0;
}
