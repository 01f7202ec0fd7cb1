#ifndef PUBSUBGW_H
#define PUBSUBGW_H
#include <stdint.h>
uint32_t pubsubgw_version(void);
#endif
