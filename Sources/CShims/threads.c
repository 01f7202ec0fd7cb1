#include "cshims-threads.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct start {
    void *(*body)(void *);
    void *argument;
    char name[16];
};

// The thread names itself: a name given from outside may come after its first lines have run.
static void *begin(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    return start.body(start.argument);
}

int cshims_thread_start(
    pthread_t *thread, const char *name, void *(*body)(void *), void *argument) {
    struct start *start = malloc(sizeof *start);
    if (start == NULL) return ENOMEM;
    start->body = body;
    start->argument = argument;
    snprintf(start->name, sizeof start->name, "%s", name);
    // The new thread inherits the mask: there is no moment in which a signal could reach it.
    sigset_t all, before;
    sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error == 0) {
        error = pthread_create(thread, NULL, begin, start);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (error != 0) free(start);
    return error;
}

void cshims_latch_init(struct cshims_latch *latch, int count) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&latch->lock, NULL);
    pthread_cond_init(&latch->opened, &monotonic);
    pthread_condattr_destroy(&monotonic);
    latch->left = count;
}

void cshims_latch_destroy(struct cshims_latch *latch) {
    pthread_cond_destroy(&latch->opened);
    pthread_mutex_destroy(&latch->lock);
}

void cshims_latch_count_down(struct cshims_latch *latch) {
    pthread_mutex_lock(&latch->lock);
    if (--latch->left == 0) pthread_cond_broadcast(&latch->opened);
    pthread_mutex_unlock(&latch->lock);
}

static struct timespec after(clockid_t clock, long long milliseconds) {
    struct timespec until;
    clock_gettime(clock, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return until;
}

int cshims_latch_wait(struct cshims_latch *latch, long long milliseconds) {
    const long long year = 365LL * 24 * 3600 * 1000;
    if (milliseconds < 0) milliseconds = 0;
    struct timespec until = after(CLOCK_MONOTONIC, milliseconds < year ? milliseconds : year);
    int error = 0;
    pthread_mutex_lock(&latch->lock);
    while (latch->left > 0 && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&latch->opened, &latch->lock, &until);
    int is_open = latch->left <= 0;
    pthread_mutex_unlock(&latch->lock);
    return is_open;
}

// A join by the clock that nobody sets. ThreadSanitizer does not know that function, and would
// take what the thread did for a race.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define JOIN_CLOCK CLOCK_REALTIME
#define JOIN(thread, until) pthread_timedjoin_np(thread, NULL, until)
#endif
#endif
#ifndef JOIN
#define JOIN_CLOCK CLOCK_MONOTONIC
#define JOIN(thread, until) pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, until)
#endif

int cshims_thread_join(pthread_t thread, int milliseconds) {
    struct timespec until = after(JOIN_CLOCK, milliseconds);
    int error = JOIN(thread, &until);
    if (error != 0) pthread_detach(thread);
    return error;
}

void cshims_error_text(int error, char *text, size_t size) {
    if (size == 0) return;
    // The GNU variant: it may answer a constant string and leave the buffer alone.
    const char *answer = strerror_r(error, text, size);
    if (answer != text) snprintf(text, size, "%s", answer);
}
