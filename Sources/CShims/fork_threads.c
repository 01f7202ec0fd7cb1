// Swift's Mutex, and the locks inside of Swift's runtime, are priority-inheriting futexes: the lock's
// word is the number of the thread that holds it, which the kernel knows too as soon as two threads
// want it. Swift asks for its thread's number once and keeps it in thread-local storage. The thread
// that comes out of a fork has a new number and the parent's storage: the first lock that it has to
// share is one that it can't unlock, and the process traps. So the fork puts the number right.
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cshims-process.h"

enum { kept_max = 16 };
static _Thread_local uint32_t *kept[kept_max];
static _Thread_local int kept_count;

static uint32_t thread_number(void) { return (uint32_t)syscall(SYS_gettid); }

// This library with the Swift runtime in it, or (in debug builds) the runtime's own libraries.
static int is_swift(const struct dl_phdr_info *object) {
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = object->dlpi_phdr + i;
        if (segment->p_type == PT_LOAD
            && (uintptr_t)is_swift - (object->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            return 1;
    }
    return object->dlpi_name && strstr(object->dlpi_name, "/libswift") != NULL;
}

static int is_text(const uint32_t *at) {
    uintptr_t from_start = (uintptr_t)at - (uintptr_t)cshims_last_error();
    return from_start < cshims_last_error_size;
}

static int collect(struct dl_phdr_info *object, size_t size, void *number) {
    if (size < sizeof *object || !object->dlpi_tls_data || !is_swift(object)) return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_TLS) continue;
        uint32_t *at = object->dlpi_tls_data;
        for (size_t left = object->dlpi_phdr[i].p_memsz / sizeof *at; left > 0; left--, at++)
            if (*at == *(uint32_t *)number && !is_text(at) && kept_count < kept_max)
                kept[kept_count++] = at;
    }
    return 0;
}

// In the parent, where the loader's lock may be taken; the child's storage is at the same addresses.
static void before_fork(void) {
    uint32_t number = thread_number();
    kept_count = 0;
    dl_iterate_phdr(collect, &number);
}

static void in_child(void) {
    uint32_t number = thread_number();
    for (int i = 0; i < kept_count; i++) *kept[i] = number;
}

// When the library is loaded: a host may fork after any call, also before it starts a gateway.
__attribute__((constructor)) static void install(void) {
    pthread_atfork(before_fork, NULL, in_child);
}
