// What the allocator has handed out: glibc's own books, which Swift cannot read.
#ifndef CTESTHEAP_HEAP_H
#define CTESTHEAP_HEAP_H

#include <stddef.h>

/// Bytes in use in all arenas, those of mapped blocks too.
size_t heap_bytes_in_use(void);

#endif
