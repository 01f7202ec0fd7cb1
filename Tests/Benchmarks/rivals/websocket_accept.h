/* The least of a WebSocket server's handshake, shared by the rivals: the answer to an upgrade. */
#ifndef WEBSOCKET_ACCEPT_H
#define WEBSOCKET_ACCEPT_H
#include <openssl/evp.h>
#include <openssl/sha.h>
#include "websocket_client.h"

/* Answers the whole request head, which ends with a NUL; ends the program on failure. */
static inline void websocket_accept(int fd, const char *head) {
    const char *key = strstr(head, "Sec-WebSocket-Key: ");
    char joined[128], accepted[64], out[256];
    unsigned char digest[20];
    if (!key || !strstr(head, "\r\n\r\n")) { fprintf(stderr, "no upgrade\n"); exit(1); }
    int n = snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
    SHA1((unsigned char *)joined, (size_t)n, digest);
    EVP_EncodeBlock((unsigned char *)accepted, digest, 20);
    n = snprintf(out, sizeof out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accepted);
    if (send(fd, out, (size_t)n, MSG_NOSIGNAL) != n) { perror("send"); exit(1); }
}
#endif
