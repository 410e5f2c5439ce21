#include "round_avx2.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))

static AVX2 int32_t largest_of(__m256i values) {
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
  return _mm_cvtsi128_si32(four);
}

static AVX2 int32_t sum_of(__m256i values) {
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
  return _mm_cvtsi128_si32(four);
}

static AVX2 void round_block(const float *x, int8_t *q, float *scale, int32_t *sum) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  __m256i bits[4], most = _mm256_setzero_si256();
  for (int i = 0; i < 4; i++) {
    bits[i] = _mm256_loadu_si256((const __m256i *)(x + 8 * i));
    most = _mm256_max_epi32(most, _mm256_and_si256(bits[i], magnitude));
  }
  const int32_t largest = largest_of(most);
  float max;
  memcpy(&max, &largest, 4);
  *sum = 0;
  *scale = largest >= 0x7f800000 ? NAN : 0;
  if (largest >= 0x7f800000 || !(max > TINY)) {
    memset(q, 0, BLOCK);
    return;
  }
  *scale = max / 127;
  const __m256 inverse = _mm256_set1_ps(127 / max);
  __m256i whole[4];
  for (int i = 0; i < 4; i++) whole[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_castsi256_ps(bits[i]), inverse));
  *sum = sum_of(_mm256_add_epi32(_mm256_add_epi32(whole[0], whole[1]), _mm256_add_epi32(whole[2], whole[3])));
  // Packing works within halves of 16 bytes; the permutation brings fours of bytes back into order.
  const __m256i packed =
      _mm256_packs_epi16(_mm256_packs_epi32(whole[0], whole[1]), _mm256_packs_epi32(whole[2], whole[3]));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256((__m256i *)q, _mm256_permutevar8x32_epi32(packed, order));
}

AVX2 void round_avx2(const float *x, int64_t width, Rounded *to, int64_t row) {
  for (int64_t b = 0; b < to->blocks; b++) {
    const int64_t at = block_at(to, row, b);
    const int64_t left = width - b * BLOCK;
    if (left >= BLOCK) {
      round_block(x + b * BLOCK, to->q + at * BLOCK, to->scale + at, to->sum + at);
    } else {
      float padded[BLOCK] = {0};
      memcpy(padded, x + b * BLOCK, (size_t)left * sizeof(float));
      round_block(padded, to->q + at * BLOCK, to->scale + at, to->sum + at);
    }
    to->weighted[at] = to->scale[at] * (float)to->sum[at];
  }
}
#endif
