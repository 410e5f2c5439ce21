// Attention kernels for x86 with AVX-512: up to 6 queries at a time, with 8 keys, two to a register, or with 64 channels of
// values, so that 24 sums stay in registers. Each half of a register does what AVX2's kernels do.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

#include "attention.h"
#include "attention_avx2.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma,f16c")))
#define AVX512_INLINE static inline AVX512 __attribute__((always_inline))

enum { MOST_QUERIES = 6, PAIRS = 4, KEYS = 2 * PAIRS, PARTS = 4, LANES = 16 };

// Queries are taken in tiles of about equal size.
static inline int64_t tile_size(int64_t left) {
  const int64_t tiles = (left + MOST_QUERIES - 1) / MOST_QUERIES;
  return (left + tiles - 1) / tiles;
}

AVX512_INLINE __m512 both(__m256 low, __m256 high) {
  return _mm512_castpd_ps(
      _mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(low)), _mm256_castps_pd(high), 1));
}

AVX512_INLINE __m512 twice(const float *x) {
  return _mm512_castpd_ps(_mm512_broadcast_f64x4(_mm256_castps_pd(_mm256_loadu_ps(x))));
}

// s0 + s4 and so on, then those of channels 0 and 2, and of 1 and 3, of one query's keys: in the register's quarter i those of
// keys 2 i and 2 i + 1. The pairs are keys 0 | 2, 4 | 6, 1 | 3, 5 | 7.
AVX512_INLINE __m512 quarter_sums(const __m512 *pairs) {
  const __m512 even = _mm512_add_ps(_mm512_shuffle_f32x4(pairs[0], pairs[1], 0x88),
                                    _mm512_shuffle_f32x4(pairs[0], pairs[1], 0xdd));
  const __m512 odd = _mm512_add_ps(_mm512_shuffle_f32x4(pairs[2], pairs[3], 0x88),
                                   _mm512_shuffle_f32x4(pairs[2], pairs[3], 0xdd));
  return _mm512_add_ps(_mm512_shuffle_ps(even, odd, 0x44), _mm512_shuffle_ps(even, odd, 0xee));
}

// ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) of 8 keys: one query's, then another's.
AVX512_INLINE __m512 tree_sums(const __m512 *one, const __m512 *other) {
  const __m512 a = quarter_sums(one), b = quarter_sums(other);
  const __m512 sums = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  return _mm512_castpd_ps(_mm512_permutexvar_pd(order, _mm512_castps_pd(sums)));
}

AVX512_INLINE void score_tile(const float *const *keys, __mmask8 stored, const float *queries, int64_t dim,
                              float *scores, int64_t stride, int count) {
  __m512 sums[MOST_QUERIES][PAIRS];
  for (int q = 0; q < count; q++)
    for (int p = 0; p < PAIRS; p++) sums[q][p] = _mm512_setzero_ps();
  for (int64_t d = 0; d < dim; d += 8) {
    __m512 pairs[PAIRS];
    for (int p = 0; p < PAIRS; p++) {
      const int first = p % 2 * 4 + p / 2;
      pairs[p] = both(_mm256_loadu_ps(keys[first] + d), _mm256_loadu_ps(keys[first + 2] + d));
    }
    for (int q = 0; q < count; q++) {
      const __m512 query = twice(queries + q * dim + d);
      for (int p = 0; p < PAIRS; p++) sums[q][p] = _mm512_fmadd_ps(query, pairs[p], sums[q][p]);
    }
  }
  for (int q = 0; q < count; q += 2) {
    const int two = q + 1 < count;
    const __m512 of = tree_sums(sums[q], sums[q + two]);
    _mm256_mask_storeu_ps(scores + q * stride, stored, _mm512_castps512_ps256(of));
    if (!two) continue;
    const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(of), 1));
    _mm256_mask_storeu_ps(scores + (q + 1) * stride, stored, high);
  }
}

AVX512_INLINE void add_tile(const Vectors *values, const float *weights, int64_t stride, int64_t d, __mmask16 kept,
                            float *const *to, int parts, int count) {
  __m512 sums[MOST_QUERIES][PARTS];
  for (int q = 0; q < count; q++)
    for (int p = 0; p < parts; p++) sums[q][p] = _mm512_maskz_loadu_ps(kept, to[q] + d + LANES * p);
  for (int64_t i = 0; i < values->count; i++) {
    const float *from = values->base + values->offsets[i] + d;
    __m512 part[PARTS];
    for (int p = 0; p < parts; p++) part[p] = _mm512_maskz_loadu_ps(kept, from + LANES * p);
    for (int q = 0; q < count; q++) {
      const __m512 weight = _mm512_set1_ps(weights[q * stride + i]);
      for (int p = 0; p < parts; p++) sums[q][p] = _mm512_fmadd_ps(weight, part[p], sums[q][p]);
    }
  }
  for (int q = 0; q < count; q++)
    for (int p = 0; p < parts; p++) _mm512_mask_storeu_ps(to[q] + d + LANES * p, kept, sums[q][p]);
}

AVX512_INLINE void add_queries(const Vectors *values, const float *weights, int64_t stride, int64_t from, int64_t to,
                               float *const *sums, int count) {
  const __mmask16 all = 0xffff;
  int64_t d = from;
  for (; d + 4 * LANES <= to; d += 4 * LANES) add_tile(values, weights, stride, d, all, sums, 4, count);
  for (; d + 2 * LANES <= to; d += 2 * LANES) add_tile(values, weights, stride, d, all, sums, 2, count);
  for (; d < to; d += LANES) add_tile(values, weights, stride, d, d + LANES <= to ? all : 0xff, sums, 1, count);
}

#define FOR_COUNT(count, call)       \
  switch (count) {                   \
    case 6: call(6); break;          \
    case 5: call(5); break;          \
    case 4: call(4); break;          \
    case 3: call(3); break;          \
    case 2: call(2); break;          \
    default: call(1);                \
  }

static AVX512 void score(const Vectors *keys, const float *queries, int64_t count, int64_t dim, float *scores,
                         int64_t stride) {
  for (int64_t i = 0; i < keys->count; i += KEYS) {
    const int64_t left = keys->count - i;
    const __mmask8 stored = left >= KEYS ? 0xff : (__mmask8)((1 << left) - 1);
    // Beyond the last key it stands in for those that are missing.
    const float *at[KEYS];
    for (int k = 0; k < KEYS; k++) at[k] = keys->base + keys->offsets[i + (k < left ? k : left - 1)];
    for (int64_t q = 0, n; q < count; q += n) {
      n = tile_size(count - q);
#define SCORE(n) score_tile(at, stored, queries + q * dim, dim, scores + q * stride + i, stride, n)
      FOR_COUNT(n, SCORE)
    }
  }
}

static AVX512 void add(const Vectors *values, const float *weights, int64_t stride, int64_t count, int64_t from,
                       int64_t to, float *const *sums) {
  for (int64_t q = 0, n; q < count; q += n) {
    n = tile_size(count - q);
#define ADD(n) add_queries(values, weights + q * stride, stride, from, to, sums + q, n)
    FOR_COUNT(n, ADD)
  }
}

const AttentionKernels avx512_attention = {"avx512", rotate_avx2, score, weigh_avx2, add, {NULL, &avx2_halves, &avx2_bytes}};
#endif
