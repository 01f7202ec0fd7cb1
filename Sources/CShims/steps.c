#include "cshims-steps.h"

static _Thread_local uint64_t taken;

void cshims_steps_add(uint64_t count) { taken += count; }
uint64_t cshims_steps_taken(void) { return taken; }
