#ifndef PUBSUBGW_CSHIMS_CRC32C_H
#define PUBSUBGW_CSHIMS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

// CRC-32C (Castagnoli, RFC 3720 appendix B.4). `seed` is the CRC of the bytes before, or 0.
// The fastest path that the processor has is chosen at run time.
uint32_t cshims_crc32c(uint32_t seed, const void *bytes, size_t count);

// The paths, for their tests. The hardware one may only be called where it is available.
int cshims_crc32c_hardware_available(void);
uint32_t cshims_crc32c_hardware(uint32_t seed, const void *bytes, size_t count);
uint32_t cshims_crc32c_tables(uint32_t seed, const void *bytes, size_t count);

#endif
