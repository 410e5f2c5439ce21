// The attention kernels in plain C: what the others must agree with.
#include <math.h>
#include <string.h>

#include "attention.h"

static float tree_sum(const float *s) { return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])); }

static float exponential(float x) {
  static const float terms[EXP_TERM_COUNT] = EXP_TERMS;
  if (x < EXP_LOWEST) return 0;
  const float t = fmaf(x, EXP_LOG2E, EXP_ROUND);
  const float n = t - EXP_ROUND;
  const float r = fmaf(n, -EXP_LN2_LOW, fmaf(n, -EXP_LN2_HIGH, x));
  float p = terms[0];
  for (int i = 1; i < EXP_TERM_COUNT; i++) p = fmaf(p, r, terms[i]);
  // The low bits of t are n; as an exponent they make 2^n.
  uint32_t bits;
  memcpy(&bits, &t, 4);
  bits = (bits + 127) << 23;
  float power;
  memcpy(&power, &bits, 4);
  return p * power;
}

static void rotate(const float *x, const float *cos, const float *sin, int64_t dim, float scale, float *to) {
  const int64_t half = dim / 2;
  for (int64_t d = 0; d < half; d++) {
    const float x1 = x[d], x2 = x[d + half];
    to[d] = fmaf(x1, cos[d], -(x2 * sin[d])) * scale;
    to[d + half] = fmaf(x2, cos[d], x1 * sin[d]) * scale;
  }
}

static void score(const Vectors *keys, const float *queries, int64_t count, int64_t dim, float *scores,
                  int64_t stride) {
  for (int64_t i = 0; i < keys->count; i++) {
    const float *key = keys->base + keys->offsets[i];
    for (int64_t q = 0; q < count; q++) {
      float sums[8] = {0};
      for (int64_t d = 0; d < dim; d++) sums[d % 8] = fmaf(queries[q * dim + d], key[d], sums[d % 8]);
      scores[q * stride + i] = tree_sum(sums);
    }
  }
}

static float weigh(const float *scores, int64_t count, float *weights) {
  float max = -INFINITY;
  for (int64_t i = 0; i < count; i++)
    if (scores[i] > max) max = scores[i];
  float sums[8] = {0};
  for (int64_t i = 0; i < count; i++) {
    weights[i] = exponential(scores[i] - max);
    sums[i % 8] += weights[i];
  }
  return tree_sum(sums);
}

static void add(const Vectors *values, const float *weights, int64_t stride, int64_t count, int64_t from, int64_t to,
                float *const *sums) {
  for (int64_t q = 0; q < count; q++) {
    for (int64_t i = 0; i < values->count; i++) {
      const float *value = values->base + values->offsets[i];
      for (int64_t d = from; d < to; d++) sums[q][d] = fmaf(weights[q * stride + i], value[d], sums[q][d]);
    }
  }
}

const AttentionKernels plain_attention = {"plain", rotate, score, weigh, add, {NULL, &plain_halves, &plain_bytes}};
