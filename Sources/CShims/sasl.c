#include "cshims-sasl.h"

enum { callback_list_end = 0, callback_log = 2, done = 0 };

// sasl_log_t
static int ignore(void *context, int level, const char *message) {
    (void)context, (void)level, (void)message;
    return done;
}

const cshims_sasl_callback *cshims_sasl_quiet(void) {
    static cshims_sasl_callback callbacks[] = {
        {callback_log, (int (*)(void))ignore, NULL},
        {callback_list_end, NULL, NULL},
    };
    return callbacks;
}
