#ifndef PUBSUBGW_CSHIMS_THREADS_H
#define PUBSUBGW_CSHIMS_THREADS_H

#include <pthread.h>
#include <stddef.h>

// Starts a thread with every signal blocked (the host's handlers run on the host's threads) and a
// name of at most 15 bytes. 0 or an errno.
int cshims_thread_start(
    pthread_t *thread, const char *name, void *(*body)(void *), void *argument);

// Waits for the end of a thread; detaches it when it has not ended within the time. 0, or
// ETIMEDOUT.
int cshims_thread_join(pthread_t thread, int milliseconds);

// A count, and threads that wait until it is zero. It needs no descriptor: it works in a process
// that has none left.
struct cshims_latch {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    int left;
};
void cshims_latch_init(struct cshims_latch *latch, int count);
void cshims_latch_destroy(struct cshims_latch *latch);
void cshims_latch_count_down(struct cshims_latch *latch);
// Whether the count is zero within the time; one that is negative is over.
int cshims_latch_wait(struct cshims_latch *latch, long long milliseconds);

// Whether the calling thread may be cancelled: off answers what it was before.
static inline int cshims_cancellation_off(void) {
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}
static inline void cshims_cancellation_set(int before) { pthread_setcancelstate(before, &before); }

// The text of an errno into `text`; always terminated.
void cshims_error_text(int error, char *text, size_t size);

#endif
