#include <stdbool.h>
#include <stdint.h>

// Parts of the static Swift runtime that nobody here needs. These definitions come first when the
// library is linked, so that the runtime's own, and what only they reach, are left out. Beside the
// dynamic runtime, in debug builds, they mean nothing.

#define HIDDEN __attribute__((visibility("hidden")))

// The table of the names of all Unicode scalars: half a megabyte. Now a scalar has no name.
HIDDEN intptr_t _swift_stdlib_getScalarName(uint32_t scalar, uint8_t *buffer, intptr_t capacity) {
    (void)scalar, (void)buffer, (void)capacity;
    return 0;
}

// The crash handler, which is never on in a library that is loaded. The runtime's own would bring
// 64 KiB for the handler's environment, and look for the program that prints backtraces when a host
// loads us. The settings, all off, have 88 bytes in Swift 6.3. Both names are all that the rest of
// the runtime knows of it.
HIDDEN uint64_t _swift_backtraceSettings[32];

HIDDEN bool _swift_backtrace_isThunkFunction(const char *mangled_name) {
    (void)mangled_name;
    return false;
}
