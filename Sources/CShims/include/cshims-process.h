// What a shared library has to know about its process: whether it runs in a forked child, and each
// thread's last error. In C because a fork handler may only do what is async-signal-safe, and
// because Swift has no thread-local storage.
#ifndef PUBSUBGW_CSHIMS_PROCESS_H
#define PUBSUBGW_CSHIMS_PROCESS_H
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/// Installs the fork handler, once: in a child it closes the tracked descriptors. 0 or an errno.
int cshims_fork_guard(void);
/// Whether this process was forked from one that had called cshims_fork_guard.
int cshims_is_forked(void);

enum { cshims_last_error_size = 2048 };
/// Keeps at most cshims_last_error_size - 1 bytes, cut between UTF-8 characters.
void cshims_last_error_set(const char *text, size_t length);
const char *cshims_last_error(void);

/// An event queue's descriptor is readable from signal to clear.
static inline void cshims_queue_signal(int fd) { (void)eventfd_write(fd, 1); }
/// One byte to a socket whose peer waits for a queue. A full one holds unread bytes: enough.
static inline void cshims_wake(int fd) { (void)send(fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT); }
static inline void cshims_queue_clear(int fd) {
    eventfd_t value;
    (void)eventfd_read(fd, &value);
}

#endif
