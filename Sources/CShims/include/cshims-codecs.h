#ifndef PUBSUBGW_CSHIMS_CODECS_H
#define PUBSUBGW_CSHIMS_CODECS_H

#include <stddef.h>
#include <stdint.h>

// Structures of libraries that are opened at run time, whose headers are not needed to build this
// one. They belong to the stable interfaces of zstd 1.x and lz4 1.x.

// ZSTD_inBuffer, and ZSTD_outBuffer with `bytes` written to.
typedef struct cshims_zstd_buffer {
    void *bytes;
    size_t size;
    size_t position;
} cshims_zstd_buffer;

// LZ4F_preferences_t
typedef struct cshims_lz4_preferences {
    uint32_t block_size;  // 0: default, 4: 64 KiB, 5: 256 KiB, 6: 1 MiB, 7: 4 MiB
    uint32_t independent_blocks;
    uint32_t content_checksum;
    uint32_t frame_type;
    unsigned long long content_size;
    uint32_t dictionary;
    uint32_t block_checksum;
    int32_t level;
    uint32_t auto_flush;
    uint32_t favor_decompression;
    uint32_t reserved[3];
} cshims_lz4_preferences;

#endif
