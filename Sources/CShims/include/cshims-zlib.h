#ifndef PUBSUBGW_CSHIMS_ZLIB_H
#define PUBSUBGW_CSHIMS_ZLIB_H

#include <string.h>
#include <zlib.h>

// inflateInit2 and deflateInit2 are macros that add the version and the size of the structure.
static inline int cshims_inflate_init(z_stream *stream, int window_bits) {
    memset(stream, 0, sizeof *stream);
    return inflateInit2(stream, window_bits);
}

static inline int cshims_deflate_init(z_stream *stream, int level, int window_bits) {
    memset(stream, 0, sizeof *stream);
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}

// CRC-32 (IEEE 802.3), as the message sets of magic 0 and 1 carry it.
static inline unsigned cshims_crc32(unsigned seed, const void *bytes, size_t count) {
    return (unsigned)crc32_z(seed, (const Bytef *)bytes, count);
}

#endif
