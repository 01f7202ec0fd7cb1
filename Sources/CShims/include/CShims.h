// What Swift cannot import by itself: macros, functions behind _GNU_SOURCE, and CRC-32C.
#ifndef PUBSUBGW_CSHIMS_H
#define PUBSUBGW_CSHIMS_H

#include "cshims-codecs.h"
#include "cshims-crc32c.h"
#include "cshims-descriptors.h"
#include "cshims-epoll.h"
#include "cshims-malloc.h"
#include "cshims-openssl.h"
#include "cshims-prefetch.h"
#include "cshims-prefetch.h"
#include "cshims-process.h"
#include "cshims-sasl.h"
#include "cshims-sockets.h"
#include "cshims-steps.h"
#include "cshims-threads.h"
#include "cshims-zlib.h"

#endif
