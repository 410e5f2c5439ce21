// Attention kernels for x86 with AVX2: up to 3 queries at a time, with 4 keys or with 32 channels of values, so that 12
// sums stay in registers and every key or value that is loaded serves 3 of them.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#include "attention.h"
#include "attention_avx2.h"

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX2_INLINE static inline AVX2 __attribute__((always_inline))

enum { MOST_QUERIES = 3, KEYS = 4, PARTS = 4 };

// How many of the queries that are left to take: 4 are 2 and 2, not 3 and 1.
static inline int64_t tile_size(int64_t left) { return left >= 3 && left != 4 ? 3 : left >= 2 ? 2 : 1; }

// ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) of each of 4 vectors.
AVX2_INLINE __m128 tree_sums(const __m256 *s) {
  // Low halves plus high ones, of vectors 0 | 2 and of 1 | 3; blends cost less than permutations.
  const __m256 even =
      _mm256_add_ps(_mm256_blend_ps(s[0], s[2], 0xf0), _mm256_permute2f128_ps(s[0], s[2], 0x21));
  const __m256 odd =
      _mm256_add_ps(_mm256_blend_ps(s[1], s[3], 0xf0), _mm256_permute2f128_ps(s[1], s[3], 0x21));
  const __m256 two = _mm256_add_ps(_mm256_shuffle_ps(even, odd, 0x44), _mm256_shuffle_ps(even, odd, 0xee));
  const __m128 low = _mm256_castps256_ps128(two), high = _mm256_extractf128_ps(two, 1);
  return _mm_add_ps(_mm_shuffle_ps(low, high, 0x88), _mm_shuffle_ps(low, high, 0xdd));
}

AVX2_INLINE __m256 exponential(__m256 x) {
  static const float terms[EXP_TERM_COUNT] = EXP_TERMS;
  const __m256 t = _mm256_fmadd_ps(x, _mm256_set1_ps(EXP_LOG2E), _mm256_set1_ps(EXP_ROUND));
  const __m256 n = _mm256_sub_ps(t, _mm256_set1_ps(EXP_ROUND));
  __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-EXP_LN2_HIGH), x);
  r = _mm256_fmadd_ps(n, _mm256_set1_ps(-EXP_LN2_LOW), r);
  __m256 p = _mm256_set1_ps(terms[0]);
  for (int i = 1; i < EXP_TERM_COUNT; i++) p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(terms[i]));
  const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(t), _mm256_set1_epi32(127)), 23);
  // "Not less than" holds for NaN too, which so stays.
  const __m256 kept = _mm256_cmp_ps(x, _mm256_set1_ps(EXP_LOWEST), _CMP_NLT_UQ);
  return _mm256_and_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(power)), kept);
}

AVX2 void rotate_avx2(const float *x, const float *cos, const float *sin, int64_t dim, float scale, float *to) {
  const int64_t half = dim / 2;
  const __m128 by = _mm_set1_ps(scale);
  for (int64_t d = 0; d < half; d += 4) {
    const __m128 x1 = _mm_loadu_ps(x + d), x2 = _mm_loadu_ps(x + d + half);
    const __m128 c = _mm_loadu_ps(cos + d), s = _mm_loadu_ps(sin + d);
    _mm_storeu_ps(to + d, _mm_mul_ps(_mm_fmsub_ps(x1, c, _mm_mul_ps(x2, s)), by));
    _mm_storeu_ps(to + d + half, _mm_mul_ps(_mm_fmadd_ps(x2, c, _mm_mul_ps(x1, s)), by));
  }
}

AVX2_INLINE void score_tile(const float *const *keys, int64_t left, const float *queries, int count, int64_t dim,
                            float *scores, int64_t stride) {
  __m256 sums[MOST_QUERIES][KEYS];
  for (int q = 0; q < count; q++)
    for (int k = 0; k < KEYS; k++) sums[q][k] = _mm256_setzero_ps();
  for (int64_t d = 0; d < dim; d += 8) {
    __m256 query[MOST_QUERIES];
    for (int q = 0; q < count; q++) query[q] = _mm256_loadu_ps(queries + q * dim + d);
    for (int k = 0; k < KEYS; k++) {
      const __m256 key = _mm256_loadu_ps(keys[k] + d);
      for (int q = 0; q < count; q++) sums[q][k] = _mm256_fmadd_ps(query[q], key, sums[q][k]);
    }
  }
  for (int q = 0; q < count; q++) {
    const __m128 four = tree_sums(sums[q]);
    float *to = scores + q * stride;
    if (left >= KEYS) {
      _mm_storeu_ps(to, four);
    } else {
      float some[KEYS];
      _mm_storeu_ps(some, four);
      for (int64_t k = 0; k < left; k++) to[k] = some[k];
    }
  }
}

static AVX2 void score(const Vectors *keys, const float *queries, int64_t count, int64_t dim, float *scores,
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

// The last scores, fewer than 8. Those of -infinity beyond change neither the maximum nor the sums: they weigh 0.
AVX2_INLINE __m256 padded(const float *scores, int64_t count) {
  float last[8];
  for (int64_t i = 0; i < 8; i++) last[i] = i < count ? scores[i] : -INFINITY;
  return _mm256_loadu_ps(last);
}

AVX2 float weigh_avx2(const float *scores, int64_t count, float *weights) {
  const int64_t whole = count / 8 * 8;
  const __m256 last = padded(scores + whole, count - whole);
  // Where the first operand is NaN, the maximum is the second.
  __m256 most = _mm256_max_ps(last, _mm256_set1_ps(-INFINITY));
  for (int64_t i = 0; i < whole; i += 8) most = _mm256_max_ps(_mm256_loadu_ps(scores + i), most);
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  four = _mm_max_ps(four, _mm_movehdup_ps(four));
  const __m256 max = _mm256_broadcastss_ps(four);
  __m256 sums = _mm256_setzero_ps();
  for (int64_t i = 0; i < whole; i += 8) {
    const __m256 weight = exponential(_mm256_sub_ps(_mm256_loadu_ps(scores + i), max));
    _mm256_storeu_ps(weights + i, weight);
    sums = _mm256_add_ps(sums, weight);
  }
  if (whole < count) {
    float rest[8];
    const __m256 weight = exponential(_mm256_sub_ps(last, max));
    _mm256_storeu_ps(rest, weight);
    for (int64_t i = whole; i < count; i++) weights[i] = rest[i - whole];
    sums = _mm256_add_ps(sums, weight);
  }
  four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

AVX2_INLINE void add_tile(const Vectors *values, const float *weights, int64_t stride, int count, int64_t d, int parts,
                          float *const *to) {
  __m256 sums[MOST_QUERIES][PARTS];
  for (int q = 0; q < count; q++)
    for (int p = 0; p < parts; p++) sums[q][p] = _mm256_loadu_ps(to[q] + d + 8 * p);
  for (int64_t i = 0; i < values->count; i++) {
    const float *from = values->base + values->offsets[i] + d;
    __m256 weight[MOST_QUERIES];
    for (int q = 0; q < count; q++) weight[q] = _mm256_broadcast_ss(weights + q * stride + i);
    for (int p = 0; p < parts; p++) {
      const __m256 value = _mm256_loadu_ps(from + 8 * p);
      for (int q = 0; q < count; q++) sums[q][p] = _mm256_fmadd_ps(weight[q], value, sums[q][p]);
    }
  }
  for (int q = 0; q < count; q++)
    for (int p = 0; p < parts; p++) _mm256_storeu_ps(to[q] + d + 8 * p, sums[q][p]);
}

AVX2_INLINE void add_queries(const Vectors *values, const float *weights, int64_t stride, int count, int64_t from,
                             int64_t to, float *const *sums) {
  int64_t d = from;
  for (; d + 8 * PARTS <= to; d += 8 * PARTS) add_tile(values, weights, stride, count, d, PARTS, sums);
  for (; d < to; d += 8) add_tile(values, weights, stride, count, d, 1, sums);
}

static AVX2 void add(const Vectors *values, const float *weights, int64_t stride, int64_t count, int64_t from,
                     int64_t to, float *const *sums) {
  for (int64_t q = 0, n; q < count; q += n) {
    const float *at = weights + q * stride;
    n = tile_size(count - q);
    if (n == 3) add_queries(values, at, stride, 3, from, to, sums + q);
    else if (n == 2) add_queries(values, at, stride, 2, from, to, sums + q);
    else add_queries(values, at, stride, 1, from, to, sums + q);
  }
}

const AttentionKernels avx2_attention = {"avx2", rotate_avx2, score, weigh_avx2, add, {NULL, &avx2_halves, &avx2_bytes}};
#endif
