#ifndef PUBSUBGW_CSHIMS_EPOLL_H
#define PUBSUBGW_CSHIMS_EPOLL_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum {
    cshims_epoll_readable = EPOLLIN,
    cshims_epoll_writable = EPOLLOUT,
    cshims_epoll_error = EPOLLERR,
    cshims_epoll_hangup = EPOLLHUP,
    cshims_epoll_read_hangup = EPOLLRDHUP,
};

// epoll_event is packed and holds a union: Swift sees it through these.
static inline int cshims_epoll_control(
    int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

static inline uint64_t cshims_epoll_data(const struct epoll_event *events, int index) {
    return events[index].data.u64;
}

static inline uint32_t cshims_epoll_events(const struct epoll_event *events, int index) {
    return events[index].events;
}

static inline int cshims_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

#endif
