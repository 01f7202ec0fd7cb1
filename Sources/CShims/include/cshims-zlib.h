#ifndef PUBSUBGW_CSHIMS_ZLIB_H
#define PUBSUBGW_CSHIMS_ZLIB_H

#include <zlib.h>

// CRC-32 (IEEE 802.3), as the message sets of magic 0 and 1 carry it.
static inline unsigned cshims_crc32(unsigned seed, const void *bytes, size_t count) {
    return (unsigned)crc32_z(seed, (const Bytef *)bytes, count);
}

#endif
