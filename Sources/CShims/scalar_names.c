#include <stdint.h>

// The Swift runtime's table of the names of all Unicode scalars is half a megabyte that nobody
// here asks for. This definition comes first when the library is linked, so that the runtime's
// own, and with it the table, is left out: a scalar has no name. Beside the dynamic runtime it is
// never called.
__attribute__((visibility("hidden"))) intptr_t _swift_stdlib_getScalarName(
    uint32_t scalar, uint8_t *buffer, intptr_t capacity) {
    (void)scalar, (void)buffer, (void)capacity;
    return 0;
}
