#ifndef PUBSUBGW_CSHIMS_SOCKETS_H
#define PUBSUBGW_CSHIMS_SOCKETS_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

// accept4(2) with SOCK_CLOEXEC and SOCK_NONBLOCK; the peer's address is not asked for.
int cshims_accept(int listener);

// MSG_DONTWAIT: whoever has a duplicate of a socket, or the number of one that he has closed, may have
// made it blocking, and a loop must not wait for one peer.

static inline ssize_t cshims_receive(int socket, void *into, size_t count) {
    return recv(socket, into, count, MSG_DONTWAIT);
}

// sendmsg(2) that never raises SIGPIPE.
static inline ssize_t cshims_send_vectors(int socket, const struct iovec *vectors, size_t count) {
    /* One buffer is the common case, and copying a message header into the kernel is not free. */
    if (count == 1) return send(socket, vectors->iov_base, vectors->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    struct msghdr message = {.msg_iov = (struct iovec *)vectors, .msg_iovlen = count};
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

#endif
