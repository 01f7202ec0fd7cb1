#include "cshims-descriptors.h"

#include <stdatomic.h>
#include <unistd.h>

enum { word_bits = 64, word_count = cshims_descriptors_max / word_bits };

static _Atomic unsigned long long tracked[word_count];
// One more than the highest word ever used, so that closing looks at little.
static atomic_int words_used;

void cshims_descriptor_track(int descriptor) {
    if (descriptor < 0 || descriptor >= cshims_descriptors_max) return;
    int word = descriptor / word_bits, used = atomic_load(&words_used);
    while (word >= used && !atomic_compare_exchange_weak(&words_used, &used, word + 1)) {}
    atomic_fetch_or(&tracked[word], 1ULL << (descriptor % word_bits));
}

void cshims_descriptor_untrack(int descriptor) {
    if (descriptor < 0 || descriptor >= cshims_descriptors_max) return;
    atomic_fetch_and(&tracked[descriptor / word_bits], ~(1ULL << (descriptor % word_bits)));
}

int cshims_descriptor_is_tracked(int descriptor) {
    if (descriptor < 0 || descriptor >= cshims_descriptors_max) return 0;
    return (int)(atomic_load(&tracked[descriptor / word_bits]) >> (descriptor % word_bits) & 1);
}

void cshims_descriptors_close_all(void) {
    int used = atomic_load(&words_used);
    for (int word = 0; word < used; word++) {
        unsigned long long bits = atomic_exchange(&tracked[word], 0);
        for (; bits; bits &= bits - 1) close(word * word_bits + __builtin_ctzll(bits));
    }
}
