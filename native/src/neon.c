// Kernels for 64-bit ARM with dot products: a tile's 16 outputs in four registers of 4.
#if defined(__aarch64__)
#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "product.h"

#define DOT __attribute__((target("dotprod")))
#define DOT_INLINE static inline DOT __attribute__((always_inline))

enum { QUARTERS = TILE / 4 };

static void round_row(const float *x, int64_t width, Rounded *to, int64_t row) {
  for (int64_t b = 0; b < to->blocks; b++) {
    const int64_t at = block_at(to, row, b);
    const int64_t left = width - b * BLOCK;
    float block[BLOCK] = {0};
    memcpy(block, x + b * BLOCK, (size_t)(left < BLOCK ? left : BLOCK) * sizeof(float));
    uint32x4_t most = vdupq_n_u32(0);
    for (int i = 0; i < BLOCK; i += 4)
      most = vmaxq_u32(most, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(block + i)), vdupq_n_u32(0x7fffffff)));
    const uint32_t largest = vmaxvq_u32(most);
    float max;
    memcpy(&max, &largest, 4);
    int8_t *q = to->q + at * BLOCK;
    float scale = largest >= 0x7f800000 ? NAN : 0;
    int32_t sum = 0;
    memset(q, 0, BLOCK);
    if (largest < 0x7f800000 && max > TINY) {
      scale = max / 127;
      const float inverse = 127 / max;
      for (int i = 0; i < BLOCK; i += 8) {
        const int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(block + i), inverse));
        const int32x4_t high = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(block + i + 4), inverse));
        sum += vaddvq_s32(vaddq_s32(low, high));
        vst1_s8(q + i, vmovn_s16(vcombine_s16(vmovn_s32(low), vmovn_s32(high))));
      }
    }
    to->scale[at] = scale;
    to->sum[at] = sum;
    to->weighted[at] = scale * (float)sum;
  }
}

DOT_INLINE float32x4_t halves(const uint8_t *at) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(at)));
}

DOT_INLINE int8x16_t four_inputs(const int8_t *q) {
  int32_t four;
  memcpy(&four, q, 4);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

DOT_INLINE void tile4(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *out, int rows) {
  (void)ahead;
  float32x4_t sums[4][QUARTERS];
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < QUARTERS; j++) sums[r][j] = vdupq_n_f32(0);
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE4_BYTES) {
    const int8_t *q = x->q + block_at(x, first, b) * BLOCK;
    for (int j = 0; j < QUARTERS; j++) {
      int32x4_t dots[4];
      for (int r = 0; r < rows; r++) dots[r] = vdupq_n_s32(0);
      for (int g = 0; g < 4; g++) {
        const uint8x16_t bytes = vld1q_u8(tile + 64 * g + 16 * j);
        const int8x16_t even = vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15)));
        const int8x16_t odd = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
        for (int r = 0; r < rows; r++) {
          const int8_t *inputs = q + r * BLOCK + 8 * g;
          dots[r] = vdotq_s32(dots[r], even, four_inputs(inputs));
          dots[r] = vdotq_s32(dots[r], odd, four_inputs(inputs + 4));
        }
      }
      const float32x4_t scale = halves(tile + 256 + 8 * j);
      const float32x4_t minimum = halves(tile + 288 + 8 * j);
      for (int r = 0; r < rows; r++) {
        const int64_t at = block_at(x, first + r, b);
        sums[r][j] = vfmaq_f32(sums[r][j], vcvtq_f32_s32(dots[r]), vmulq_n_f32(scale, x->scale[at]));
        sums[r][j] = vfmaq_f32(sums[r][j], minimum, vdupq_n_f32(x->weighted[at]));
      }
    }
  }
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < QUARTERS; j++) vst1q_f32(out + r * TILE + 4 * j, sums[r][j]);
}

DOT_INLINE void tile8(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *out, int rows) {
  (void)ahead;
  float32x4_t sums[4][QUARTERS];
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < QUARTERS; j++) sums[r][j] = vdupq_n_f32(0);
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE8_BYTES) {
    const int8_t *q = x->q + block_at(x, first, b) * BLOCK;
    for (int j = 0; j < QUARTERS; j++) {
      int32x4_t dots[4];
      for (int r = 0; r < rows; r++) dots[r] = vdupq_n_s32(0);
      for (int g = 0; g < 8; g++) {
        // Weights are stored 128 too high.
        const int8x16_t w = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(tile + 64 * g + 16 * j), vdupq_n_u8(0x80)));
        for (int r = 0; r < rows; r++)
          dots[r] = vdotq_s32(dots[r], w, four_inputs(q + r * BLOCK + 4 * g));
      }
      const float32x4_t scale = halves(tile + 512 + 8 * j);
      for (int r = 0; r < rows; r++) {
        const int64_t at = block_at(x, first + r, b);
        sums[r][j] = vfmaq_f32(sums[r][j], vcvtq_f32_s32(dots[r]), vmulq_n_f32(scale, x->scale[at]));
      }
    }
  }
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < QUARTERS; j++) vst1q_f32(out + r * TILE + 4 * j, sums[r][j]);
}

#define OF_ROWS(tile, name, rows)                                                                  \
  static DOT void name(const uint8_t *weights, const Rounded *x, int64_t first, int64_t ahead, float *sums) { \
    tile(weights, x, first, ahead, sums, rows);                                                           \
  }
OF_ROWS(tile4, product4_1, 1)
OF_ROWS(tile4, product4_2, 2)
OF_ROWS(tile4, product4_3, 3)
OF_ROWS(tile4, product4_4, 4)
OF_ROWS(tile8, product8_1, 1)
OF_ROWS(tile8, product8_2, 2)
OF_ROWS(tile8, product8_3, 3)
OF_ROWS(tile8, product8_4, 4)

const Kernels neon_kernels = {
    .name = "neon",
    .round = round_row,
    .rows = 4,
    .product4 = {NULL, product4_1, product4_2, product4_3, product4_4},
    .product8 = {NULL, product8_1, product8_2, product8_3, product8_4},
};
#endif
