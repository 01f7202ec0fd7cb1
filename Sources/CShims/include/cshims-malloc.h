// Tuning of glibc's malloc, for executables only: a library must not touch its host's.
#ifndef PUBSUBGW_CSHIMS_MALLOC_H
#define PUBSUBGW_CSHIMS_MALLOC_H

#include <malloc.h>

// Large blocks that come and go stay in the heap, instead of being mapped anew each time.
static inline void cshims_malloc_keep_large_blocks(void) {
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

#endif
