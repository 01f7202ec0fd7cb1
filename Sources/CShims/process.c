#include "cshims-process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "cshims-descriptors.h"

static atomic_int forked;

// In the child only. The library's threads don't exist here, and its sockets would keep peers
// waiting for an end of stream that the parent has sent.
static void in_child(void) {
    atomic_store(&forked, 1);
    cshims_descriptors_close_all();
}

static pthread_once_t guard_once = PTHREAD_ONCE_INIT;
static int guard_error;

static void install_guard(void) { guard_error = pthread_atfork(NULL, NULL, in_child); }

int cshims_fork_guard(void) {
    pthread_once(&guard_once, install_guard);
    return guard_error;
}

int cshims_is_forked(void) { return atomic_load_explicit(&forked, memory_order_relaxed); }

static _Thread_local char last_error[cshims_last_error_size];

void cshims_last_error_set(const char *text, size_t length) {
    if (length > cshims_last_error_size - 1) {
        length = cshims_last_error_size - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
    }
    memcpy(last_error, text, length);
    last_error[length] = 0;
}

const char *cshims_last_error(void) { return last_error; }
