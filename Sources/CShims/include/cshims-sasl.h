#ifndef PUBSUBGW_CSHIMS_SASL_H
#define PUBSUBGW_CSHIMS_SASL_H

#include <stddef.h>

// Structures of libsasl2, which is opened at run time and whose header is not needed to build this
// library. They belong to its stable interface (libsasl2.so.2).

// sasl_callback_t
typedef struct cshims_sasl_callback {
    unsigned long id;
    int (*function)(void);
    void *context;
} cshims_sasl_callback;

// sasl_security_properties_t
typedef struct cshims_sasl_security {
    unsigned strength_min;
    unsigned strength_max;
    unsigned buffer_size;
    unsigned flags;
    const char **names;
    const char **values;
} cshims_sasl_security;

// Callbacks that keep libsasl2 from writing to the system's log. For the whole process's life.
const cshims_sasl_callback *cshims_sasl_quiet(void);

#endif
