// Vectors of keys and values held in fewer bits: what is stored, and what is read back, the same in all kernels, bit for
// bit.
//   floats  32-bit floats as they are
//   halves  16-bit floats, each to the nearest, half to even (beyond their range infinity); read back exactly
//   bytes   a scale for all channels of a vector, max |x| / 127; q = x (127 / max |x|), the product rounded, then to the
//           nearest integer, half to even; read back as q times the scale, rounded once. Where max |x| is no more than
//           TINY (product.h) all are 0; where a number is infinite or NaN, the scale is NaN. Stored as signed bytes q,
//           then the scale, a 32-bit float.
#ifndef FORETOKEN_NARROW_H
#define FORETOKEN_NARROW_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "product.h"

typedef enum { CACHE_FLOATS, CACHE_HALVES, CACHE_BYTES, CACHE_TYPES } CacheType;

// Bytes of a number, and numbers of a stored vector of `dim` channels.
static inline int64_t number_bytes(CacheType type) {
  return type == CACHE_FLOATS ? 4 : type == CACHE_HALVES ? 2 : 1;
}
static inline int64_t vector_numbers(CacheType type, int64_t dim) { return type == CACHE_BYTES ? dim + 4 : dim; }

// Channels are counted in multiples of 8.
typedef struct {
  // Stores one vector.
  void (*narrow)(const float *x, int64_t dim, void *to);
  // Reads channels `from` to `end` of `count` vectors, which begin at numbers offsets[i] of `base`, to to[i * dim + channel].
  void (*widen)(const void *base, const int64_t *offsets, int64_t count, int64_t dim, int64_t from, int64_t end,
                float *to);
} NarrowType;

extern const NarrowType plain_halves, plain_bytes;
#if defined(__x86_64__)
extern const NarrowType avx2_halves, avx2_bytes;
#elif defined(__aarch64__)
extern const NarrowType neon_halves, neon_bytes;
#endif

// The scale of a vector of bytes whose largest magnitude has these bits (compared as integers: so infinities and NaN are
// the largest), and what its numbers are multiplied by: 0 where all are stored as 0.
static inline float byte_scale(uint32_t largest, float *inverse) {
  float max;
  memcpy(&max, &largest, 4);
  *inverse = largest < 0x7f800000 && max > TINY ? 127 / max : 0;
  return largest >= 0x7f800000 ? NAN : max > TINY ? max / 127 : 0;
}

#endif
