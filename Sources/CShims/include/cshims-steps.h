/* What the work of one thread is counted with in debug builds: see Timing/Steps.swift. */
#ifndef CSHIMS_STEPS_H
#define CSHIMS_STEPS_H

#include <stdint.h>

void cshims_steps_add(uint64_t count);
/* Since the thread began. */
uint64_t cshims_steps_taken(void);

#endif
