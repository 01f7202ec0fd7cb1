/* Loading, pubsubgw_new and the route functions leave no trace in the process; after stop and
 * destroy nothing of start is left. */
#include <pubsubgw.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int entries(const char *directory)
{
    int count = 0;
    DIR *d = opendir(directory);
    if (!d) return -1;
    while (readdir(d)) count++;
    closedir(d);
    return count;
}

/* A thread that was joined may stand in /proc for a moment more: the kernel wakes who waits for
 * it before it takes the task away. */
static int tasks_become(int count)
{
    for (int waited_ms = 0; waited_ms < 5000; waited_ms++) {
        if (entries("/proc/self/task") == count) return 1;
        usleep(1000);
    }
    return 0;
}

static int handlers(void)
{
    int count = 0;
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL) count++;
    }
    return count;
}

static int atoi_pid(const char *text)
{
    int number = 0;
    while (*text) number = number * 10 + (*text++ - 48);
    return number;
}

#define MUST(condition) \
    do { if (!(condition)) { printf("line %d: %s\n", __LINE__, #condition); return 1; } } while (0)

/* Once more from the start, with no signal ignored: who runs the tests in the background leaves
 * some so. */
static void begin_clean(char **argv)
{
    if (getenv("QUIET_BEGAN_CLEAN")) return;
    for (int number = 1; number < 65; number++) signal(number, SIG_DFL);
    setenv("QUIET_BEGAN_CLEAN", "1", 1);
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    (void)argc;
    begin_clean(argv);
    static const char route[] =
        "{\"uri\": \"/k\", \"upstream\": {\"scheme\": \"kafka\", \"nodes\": {\"127.0.0.1:1\": 1}}}";
    sigset_t before, after;
    pubsubgw_gateway *g = NULL;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    MUST(entries("/proc/self/task") == 3); /* with . and .. */
    MUST(handlers() == 0);
    int fds = entries("/proc/self/fd");

    MUST(pubsubgw_new("{\"threads\": 3}", &g) == 0);
    MUST(pubsubgw_route_put(g, "k", route, strlen(route)) == 0);
    MUST(pubsubgw_has_feature("zstd") >= 0);
    MUST(entries("/proc/self/task") == 3);
    MUST(entries("/proc/self/fd") == fds);

    MUST(pubsubgw_start(g) == 0);
    MUST(pubsubgw_listen(g, "127.0.0.1:0", 0) > 0);
    MUST(entries("/proc/self/task") == 3 + 3);
    MUST(handlers() == 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int number = 1; number < 65; number++)
        MUST(sigismember(&before, number) == sigismember(&after, number));

    /* The library's threads take no signal: SigBlk of each is full but for what cannot be. */
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; (task = readdir(tasks));) {
        char path[300], line[200];
        if (task->d_name[0] == '.' || atoi_pid(task->d_name) == getpid()) continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "r");
        while (status && fgets(line, sizeof line, status))
            if (strncmp(line, "SigBlk:", 7) == 0)
                MUST((strtoull(line + 7, NULL, 16) & 0xfffffffe7ffbfeff) == 0xfffffffe7ffbfeff);
        if (status) fclose(status);
    }
    closedir(tasks);

    pubsubgw_destroy(g);
    MUST(tasks_become(3));
    MUST(entries("/proc/self/fd") == fds);
    printf("no thread, handler or descriptor before start, none left after destroy\n");
    return 0;
}
