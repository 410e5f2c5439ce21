// Vectors in fewer bits, for x86 with AVX2 and F16C.
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "narrow.h"

#define AVX2 __attribute__((target("avx2,fma,f16c")))

static AVX2 void narrow_halves(const float *x, int64_t dim, void *to) {
  uint16_t *halves = to;
  for (int64_t d = 0; d < dim; d += 8)
    _mm_storeu_si128((__m128i *)(halves + d), _mm256_cvtps_ph(_mm256_loadu_ps(x + d), _MM_FROUND_TO_NEAREST_INT));
}

static AVX2 void widen_halves(const void *base, const int64_t *offsets, int64_t count, int64_t dim, int64_t from,
                              int64_t end, float *to) {
  for (int64_t i = 0; i < count; i++, to += dim) {
    const uint16_t *halves = (const uint16_t *)base + offsets[i];
    for (int64_t d = from; d < end; d += 8)
      _mm256_storeu_ps(to + d, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + d))));
  }
}

// The largest magnitude's bits.
static AVX2 int32_t largest_of(const float *x, int64_t dim) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  __m256i most = _mm256_setzero_si256();
  for (int64_t d = 0; d < dim; d += 8)
    most = _mm256_max_epi32(most, _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(x + d)), magnitude));
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
  return _mm_cvtsi128_si32(four);
}

static AVX2 void narrow_bytes(const float *x, int64_t dim, void *to) {
  int8_t *q = to;
  const int32_t largest = largest_of(x, dim);
  float inverse;
  const float scale = byte_scale((uint32_t)largest, &inverse);
  if (inverse == 0) {
    memset(q, 0, (size_t)dim);
  } else {
    const __m256 factor = _mm256_set1_ps(inverse);
    for (int64_t d = 0; d < dim; d += 8) {
      const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + d), factor));
      const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
      _mm_storel_epi64((__m128i *)(q + d), _mm_packs_epi16(words, words));
    }
  }
  memcpy(q + dim, &scale, 4);
}

static AVX2 void widen_bytes(const void *base, const int64_t *offsets, int64_t count, int64_t dim, int64_t from,
                             int64_t end, float *to) {
  for (int64_t i = 0; i < count; i++, to += dim) {
    const int8_t *q = (const int8_t *)base + offsets[i];
    float by;
    memcpy(&by, q + dim, 4);
    const __m256 scale = _mm256_set1_ps(by);
    for (int64_t d = from; d < end; d += 8) {
      const __m256i whole = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(q + d)));
      _mm256_storeu_ps(to + d, _mm256_mul_ps(_mm256_cvtepi32_ps(whole), scale));
    }
  }
}

const NarrowType avx2_halves = {narrow_halves, widen_halves};
const NarrowType avx2_bytes = {narrow_bytes, widen_bytes};
#endif
