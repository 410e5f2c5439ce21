// The kernels in plain C: what the others must agree with.
#include <math.h>
#include <string.h>

#include "half.h"
#include "product.h"

static void round_row(const float *x, int64_t width, Rounded *to, int64_t row) {
  for (int64_t b = 0; b < to->blocks; b++) {
    const int64_t at = block_at(to, row, b);
    const int64_t count = width - b * BLOCK < BLOCK ? width - b * BLOCK : BLOCK;
    int8_t *q = to->q + at * BLOCK;
    // Compared as integers: so infinities and NaN are the largest.
    uint32_t largest = 0;
    for (int64_t i = 0; i < count; i++) {
      uint32_t bits;
      memcpy(&bits, x + b * BLOCK + i, 4);
      if ((bits & 0x7fffffff) > largest) largest = bits & 0x7fffffff;
    }
    float max;
    memcpy(&max, &largest, 4);
    memset(q, 0, BLOCK);
    int32_t sum = 0;
    float scale = 0;
    if (largest >= 0x7f800000) {
      scale = NAN;
    } else if (max > TINY) {
      scale = max / 127;
      const float inverse = 127 / max;
      for (int64_t i = 0; i < count; i++) {
        q[i] = (int8_t)lrintf(x[b * BLOCK + i] * inverse);
        sum += q[i];
      }
    }
    to->scale[at] = scale;
    to->sum[at] = sum;
    to->weighted[at] = scale * (float)sum;
  }
}

static void product4(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *sums) {
  (void)ahead;
  for (int j = 0; j < TILE; j++) sums[j] = 0;
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE4_BYTES) {
    const int64_t at = block_at(x, first, b);
    const int8_t *q = x->q + at * BLOCK;
    for (int j = 0; j < TILE; j++) {
      int32_t dot = 0;
      for (int i = 0; i < BLOCK; i++) {
        const uint8_t byte = tile[i / 8 * 64 + 4 * j + i % 4];
        dot += (i % 8 < 4 ? byte & 15 : byte >> 4) * q[i];
      }
      sums[j] = fmaf((float)dot, half_to_float(tile + 256 + 2 * j) * x->scale[at], sums[j]);
      sums[j] = fmaf(half_to_float(tile + 288 + 2 * j), x->weighted[at], sums[j]);
    }
  }
}

static void product8(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *sums) {
  (void)ahead;
  for (int j = 0; j < TILE; j++) sums[j] = 0;
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE8_BYTES) {
    const int64_t at = block_at(x, first, b);
    const int8_t *q = x->q + at * BLOCK;
    for (int j = 0; j < TILE; j++) {
      int32_t dot = 0;
      for (int i = 0; i < BLOCK; i++) dot += (tile[i / 4 * 64 + 4 * j + i % 4] - 128) * q[i];
      sums[j] = fmaf((float)dot, half_to_float(tile + 512 + 2 * j) * x->scale[at], sums[j]);
    }
  }
}

const Kernels plain_kernels = {
    .name = "plain",
    .round = round_row,
    .rows = 1,
    .product4 = {NULL, product4},
    .product8 = {NULL, product8},
};
