#ifndef PUBSUBGW_CSHIMS_DESCRIPTORS_H
#define PUBSUBGW_CSHIMS_DESCRIPTORS_H

// The descriptors that this library owns in this process. A forked child inherits them all, and a
// socket's peer sees no end of stream until the last copy is closed, so the child closes them.
//
// A bitmap of atomics: marking takes no lock, and the child of a fork in the middle of anything
// can still read it. Descriptors from `cshims_descriptors_max` on are not tracked.

enum { cshims_descriptors_max = 1 << 20 };

void cshims_descriptor_track(int descriptor);
void cshims_descriptor_untrack(int descriptor);
// 1 if the descriptor is tracked.
int cshims_descriptor_is_tracked(int descriptor);
// Closes every tracked descriptor: for the child's side of pthread_atfork. Async-signal-safe.
void cshims_descriptors_close_all(void);

#endif
