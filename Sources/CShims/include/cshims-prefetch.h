#ifndef PUBSUBGW_CSHIMS_PREFETCH_H
#define PUBSUBGW_CSHIMS_PREFETCH_H

// Fetches the cache line of `place`, which need not be mapped, to write there soon. The compiler's
// own would only fetch it to read, since old processors do nothing for PREFETCHW.
static inline __attribute__((always_inline)) void cshims_prefetch_to_write(const void *place) {
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)place));
#else
    __builtin_prefetch(place, 1);
#endif
}

#endif
