#include "cshims-crc32c.h"

#include <pthread.h>
#include <string.h>

// The reflected polynomial 0x1EDC6F41.
static const uint32_t polynomial = 0x82f63b78;

// Slicing by 8: table[k][b] is the CRC of byte b followed by k zero bytes.
static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void fill_table(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? polynomial : 0);
        table[0][byte] = crc;
    }
    for (int zeros = 1; zeros < 8; zeros++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t crc = table[zeros - 1][byte];
            table[zeros][byte] = (crc >> 8) ^ table[0][crc & 0xff];
        }
}

uint32_t cshims_crc32c_tables(uint32_t seed, const void *bytes, size_t count) {
    pthread_once(&table_once, fill_table);
    const uint8_t *at = bytes;
    uint32_t crc = ~seed;
    for (; count >= 8; at += 8, count -= 8) {
        uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                              (uint32_t)at[3] << 24);
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^
              table[0][at[7]];
    }
    for (; count > 0; at++, count--) crc = (crc >> 8) ^ table[0][(crc ^ *at) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)

#include <immintrin.h>

#define HARDWARE __attribute__((target("sse4.2,pclmul")))

static inline uint64_t load64(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

// The instruction takes three cycles and can start every cycle, so three streams run side by side.
// A stream's CRC is moved over the bytes behind it by a carry-less multiplication with
// x^(8 * bytes - 33) mod P: the 33 are the bits that CRC32 of the 64-bit product adds again.
struct stride {
    size_t bytes;       // of one stream, a multiple of 8
    uint32_t over_one;  // x^(8 * bytes - 33) mod P
    uint32_t over_two;  // x^(16 * bytes - 33) mod P
};

static const struct stride long_stride = {2720, 0x5aa1f3cf, 0xfa0f2bd0};
static const struct stride short_stride = {168, 0x1b3d8f29, 0xa60ce07b};

HARDWARE static inline uint64_t multiply(uint64_t crc, uint32_t power) {
    __m128i product = _mm_clmulepi64_si128(
        _mm_cvtsi64_si128((int64_t)crc), _mm_cvtsi32_si128((int32_t)power), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

HARDWARE static inline uint64_t three_streams(
    uint64_t crc, const uint8_t *at, const struct stride *stride) {
    const uint8_t *second = at + stride->bytes, *third = second + stride->bytes;
    uint64_t crc2 = 0, crc3 = 0;
    for (size_t i = 0; i < stride->bytes; i += 8) {
        crc = _mm_crc32_u64(crc, load64(at + i));
        crc2 = _mm_crc32_u64(crc2, load64(second + i));
        crc3 = _mm_crc32_u64(crc3, load64(third + i));
    }
    return crc3 ^
           _mm_crc32_u64(0, multiply(crc, stride->over_two) ^ multiply(crc2, stride->over_one));
}

HARDWARE uint32_t cshims_crc32c_hardware(uint32_t seed, const void *bytes, size_t count) {
    const uint8_t *at = bytes;
    uint64_t crc = (uint32_t)~seed;
    for (; count >= 3 * long_stride.bytes; at += 3 * long_stride.bytes,
                                           count -= 3 * long_stride.bytes)
        crc = three_streams(crc, at, &long_stride);
    for (; count >= 3 * short_stride.bytes; at += 3 * short_stride.bytes,
                                            count -= 3 * short_stride.bytes)
        crc = three_streams(crc, at, &short_stride);
    for (; count >= 8; at += 8, count -= 8) crc = _mm_crc32_u64(crc, load64(at));
    for (; count > 0; at++, count--) crc = _mm_crc32_u8((uint32_t)crc, *at);
    return ~(uint32_t)crc;
}

int cshims_crc32c_hardware_available(void) {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

#else

int cshims_crc32c_hardware_available(void) { return 0; }

uint32_t cshims_crc32c_hardware(uint32_t seed, const void *bytes, size_t count) {
    return cshims_crc32c_tables(seed, bytes, count);
}

#endif

uint32_t cshims_crc32c(uint32_t seed, const void *bytes, size_t count) {
    return cshims_crc32c_hardware_available() ? cshims_crc32c_hardware(seed, bytes, count)
                                              : cshims_crc32c_tables(seed, bytes, count);
}
