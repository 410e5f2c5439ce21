// Attention kernels for 64-bit ARM: up to 3 queries at a time, with 4 keys or with 32 channels of values; partial sums
// 0 to 3 and 4 to 7 lie in two registers.
#if defined(__aarch64__)
#include <arm_neon.h>
#include <math.h>

#include "attention.h"

#define INLINE static inline __attribute__((always_inline))

enum { MOST_QUERIES = 3, KEYS = 4, PARTS = 8 };

// How many of the queries that are left to take: 4 are 2 and 2, not 3 and 1.
static inline int64_t tile_size(int64_t left) { return left >= 3 && left != 4 ? 3 : left >= 2 ? 2 : 1; }

// s0 + s1 and so on, of the sums (s0 + s4) + (s2 + s6) and (s1 + s5) + (s3 + s7) of 4 pairs of vectors.
INLINE float32x4_t tree_sums(float32x4_t (*s)[2]) {
  float32x2_t two[KEYS];
  for (int k = 0; k < KEYS; k++) {
    const float32x4_t four = vaddq_f32(s[k][0], s[k][1]);
    two[k] = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  }
  return vpaddq_f32(vcombine_f32(two[0], two[1]), vcombine_f32(two[2], two[3]));
}

INLINE float32x4_t exponential(float32x4_t x) {
  static const float terms[EXP_TERM_COUNT] = EXP_TERMS;
  const float32x4_t t = vfmaq_f32(vdupq_n_f32(EXP_ROUND), x, vdupq_n_f32(EXP_LOG2E));
  const float32x4_t n = vsubq_f32(t, vdupq_n_f32(EXP_ROUND));
  float32x4_t r = vfmaq_f32(x, n, vdupq_n_f32(-EXP_LN2_HIGH));
  r = vfmaq_f32(r, n, vdupq_n_f32(-EXP_LN2_LOW));
  float32x4_t p = vdupq_n_f32(terms[0]);
  for (int i = 1; i < EXP_TERM_COUNT; i++) p = vfmaq_f32(vdupq_n_f32(terms[i]), p, r);
  const uint32x4_t power = vshlq_n_u32(vaddq_u32(vreinterpretq_u32_f32(t), vdupq_n_u32(127)), 23);
  // Not (x < lowest): so NaN stays.
  const uint32x4_t dropped = vcltq_f32(x, vdupq_n_f32(EXP_LOWEST));
  const float32x4_t value = vmulq_f32(p, vreinterpretq_f32_u32(power));
  return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(value), dropped));
}

static void rotate(const float *x, const float *cos, const float *sin, int64_t dim, float scale, float *to) {
  const int64_t half = dim / 2;
  for (int64_t d = 0; d < half; d += 4) {
    const float32x4_t x1 = vld1q_f32(x + d), x2 = vld1q_f32(x + d + half);
    const float32x4_t c = vld1q_f32(cos + d), s = vld1q_f32(sin + d);
    vst1q_f32(to + d, vmulq_n_f32(vfmaq_f32(vnegq_f32(vmulq_f32(x2, s)), x1, c), scale));
    vst1q_f32(to + d + half, vmulq_n_f32(vfmaq_f32(vmulq_f32(x1, s), x2, c), scale));
  }
}

INLINE void score_tile(const float *const *keys, int64_t left, const float *queries, int count, int64_t dim,
                       float *scores, int64_t stride) {
  float32x4_t sums[MOST_QUERIES][KEYS][2];
  for (int q = 0; q < count; q++)
    for (int k = 0; k < KEYS; k++) sums[q][k][0] = sums[q][k][1] = vdupq_n_f32(0);
  for (int64_t d = 0; d < dim; d += 8) {
    for (int h = 0; h < 2; h++) {
      float32x4_t query[MOST_QUERIES];
      for (int q = 0; q < count; q++) query[q] = vld1q_f32(queries + q * dim + d + 4 * h);
      for (int k = 0; k < KEYS; k++) {
        const float32x4_t key = vld1q_f32(keys[k] + d + 4 * h);
        for (int q = 0; q < count; q++) sums[q][k][h] = vfmaq_f32(sums[q][k][h], query[q], key);
      }
    }
  }
  for (int q = 0; q < count; q++) {
    const float32x4_t four = tree_sums(sums[q]);
    float *to = scores + q * stride;
    if (left >= KEYS) {
      vst1q_f32(to, four);
    } else {
      float some[KEYS];
      vst1q_f32(some, four);
      for (int64_t k = 0; k < left; k++) to[k] = some[k];
    }
  }
}

static void score(const Vectors *keys, const float *queries, int64_t count, int64_t dim, float *scores,
                  int64_t stride) {
  for (int64_t i = 0; i < keys->count; i += KEYS) {
    const int64_t left = keys->count - i;
    // Beyond the last key it stands in for those that are missing.
    const float *at[KEYS];
    for (int k = 0; k < KEYS; k++) at[k] = keys->base + keys->offsets[i + (k < left ? k : left - 1)];
    for (int64_t q = 0, n; q < count; q += n) {
      const float *from = queries + q * dim;
      float *to = scores + q * stride + i;
      n = tile_size(count - q);
      if (n == 3) score_tile(at, left, from, 3, dim, to, stride);
      else if (n == 2) score_tile(at, left, from, 2, dim, to, stride);
      else score_tile(at, left, from, 1, dim, to, stride);
    }
  }
}

INLINE float32x4_t four_of(const float *from, int64_t count) {
  if (count >= 4) return vld1q_f32(from);
  // Scores of -infinity beyond the last one change neither the maximum nor the sums: they weigh 0.
  float padded[4];
  for (int64_t i = 0; i < 4; i++) padded[i] = i < count ? from[i] : -INFINITY;
  return vld1q_f32(padded);
}

static float weigh(const float *scores, int64_t count, float *weights) {
  // This maximum takes the number of a number and NaN.
  float32x4_t most = vdupq_n_f32(-INFINITY);
  for (int64_t i = 0; i < count; i += 4) most = vmaxnmq_f32(most, four_of(scores + i, count - i));
  const float32x4_t max = vdupq_n_f32(vmaxnmvq_f32(most));
  float32x4_t sums[2] = {vdupq_n_f32(0), vdupq_n_f32(0)};
  for (int64_t i = 0; i < count; i += 4) {
    const float32x4_t weight = exponential(vsubq_f32(four_of(scores + i, count - i), max));
    sums[i / 4 % 2] = vaddq_f32(sums[i / 4 % 2], weight);
    if (count - i >= 4) {
      vst1q_f32(weights + i, weight);
    } else {
      float last[4];
      vst1q_f32(last, weight);
      for (int64_t j = 0; i + j < count; j++) weights[i + j] = last[j];
    }
  }
  const float32x4_t four = vaddq_f32(sums[0], sums[1]);
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

INLINE void add_tile(const Vectors *values, const float *weights, int64_t stride, int count, int64_t d, int parts,
                     float *const *to) {
  float32x4_t sums[MOST_QUERIES][PARTS];
  for (int q = 0; q < count; q++)
    for (int p = 0; p < parts; p++) sums[q][p] = vld1q_f32(to[q] + d + 4 * p);
  for (int64_t i = 0; i < values->count; i++) {
    const float *from = values->base + values->offsets[i] + d;
    float32x4_t weight[MOST_QUERIES];
    for (int q = 0; q < count; q++) weight[q] = vld1q_dup_f32(weights + q * stride + i);
    for (int p = 0; p < parts; p++) {
      const float32x4_t value = vld1q_f32(from + 4 * p);
      for (int q = 0; q < count; q++) sums[q][p] = vfmaq_f32(sums[q][p], weight[q], value);
    }
  }
  for (int q = 0; q < count; q++)
    for (int p = 0; p < parts; p++) vst1q_f32(to[q] + d + 4 * p, sums[q][p]);
}

INLINE void add_queries(const Vectors *values, const float *weights, int64_t stride, int count, int64_t from,
                        int64_t to, float *const *sums) {
  int64_t d = from;
  for (; d + 4 * PARTS <= to; d += 4 * PARTS) add_tile(values, weights, stride, count, d, PARTS, sums);
  for (; d < to; d += 8) add_tile(values, weights, stride, count, d, 2, sums);
}

static void add(const Vectors *values, const float *weights, int64_t stride, int64_t count, int64_t from, int64_t to,
                float *const *sums) {
  for (int64_t q = 0, n; q < count; q += n) {
    const float *at = weights + q * stride;
    n = tile_size(count - q);
    if (n == 3) add_queries(values, at, stride, 3, from, to, sums + q);
    else if (n == 2) add_queries(values, at, stride, 2, from, to, sums + q);
    else add_queries(values, at, stride, 1, from, to, sums + q);
  }
}

const AttentionKernels neon_attention = {"neon", rotate, score, weigh, add, {NULL, &neon_halves, &neon_bytes}};
#endif
