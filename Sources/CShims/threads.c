#include "cshims-threads.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int cshims_thread_start(
    pthread_t *thread, const char *name, void *(*body)(void *), void *argument) {
    // The new thread inherits the mask: there is no moment in which a signal could reach it.
    sigset_t all, before;
    sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error != 0) return error;
    error = pthread_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) pthread_setname_np(*thread, name);
    return error;
}

int cshims_thread_join(pthread_t thread, int milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    int error = pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until);
    if (error != 0) pthread_detach(thread);
    return error;
}

void cshims_error_text(int error, char *text, size_t size) {
    if (size == 0) return;
    // The GNU variant: it may answer a constant string and leave the buffer alone.
    const char *answer = strerror_r(error, text, size);
    if (answer != text) snprintf(text, size, "%s", answer);
}
