// Kernels for x86 with AVX-512 VNNI: a tile's 16 outputs in one register.
#if defined(__x86_64__)
#include <immintrin.h>

#include "product.h"
#include "round_avx2.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c")))
#define AVX512_INLINE static inline AVX512 __attribute__((always_inline))

// Integers, for what is ahead of the last block lies outside; nothing is read there.
AVX512_INLINE void fetch(const uint8_t *tile, int64_t at) {
  _mm_prefetch((const char *)((uintptr_t)tile + (uintptr_t)at), _MM_HINT_T0);
}

AVX512_INLINE __m512i four_inputs(const int8_t *q) {
  int32_t four;
  __builtin_memcpy(&four, q, 4);
  return _mm512_set1_epi32(four);
}

AVX512_INLINE __m512 halves(const uint8_t *at) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at)); }

AVX512_INLINE void tile4(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *out, int rows) {
  const __m512i low = _mm512_set1_epi8(15);
  __m512 sums[MOST_ROWS];
  for (int r = 0; r < rows; r++) sums[r] = _mm512_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE4_BYTES) {
    const int8_t *q = x->q + block_at(x, first, b) * BLOCK;
    __m512i dots[MOST_ROWS];
    for (int r = 0; r < rows; r++) dots[r] = _mm512_setzero_si512();
    for (int g = 0; g < 4; g++) {
      const __m512i bytes = _mm512_loadu_si512(tile + 64 * g);
      fetch(tile, 64 * g + ahead);
      const __m512i even = _mm512_and_si512(bytes, low);
      const __m512i odd = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), low);
      for (int r = 0; r < rows; r++) {
        const int8_t *inputs = q + r * BLOCK + 8 * g;
        dots[r] = _mm512_dpbusd_epi32(dots[r], even, four_inputs(inputs));
        dots[r] = _mm512_dpbusd_epi32(dots[r], odd, four_inputs(inputs + 4));
      }
    }
    const __m512 scale = halves(tile + 256);
    const __m512 minimum = halves(tile + 288);
    for (int r = 0; r < rows; r++) {
      const int64_t at = block_at(x, first + r, b);
      const __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(x->scale[at]));
      sums[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[r]), both, sums[r]);
      sums[r] = _mm512_fmadd_ps(minimum, _mm512_set1_ps(x->weighted[at]), sums[r]);
    }
  }
  for (int r = 0; r < rows; r++) _mm512_storeu_ps(out + r * TILE, sums[r]);
}

AVX512_INLINE void tile8(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *out, int rows) {
  __m512 sums[MOST_ROWS];
  for (int r = 0; r < rows; r++) sums[r] = _mm512_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE8_BYTES) {
    const int8_t *q = x->q + block_at(x, first, b) * BLOCK;
    __m512i dots[MOST_ROWS];
    // Weights are stored 128 too high.
    for (int r = 0; r < rows; r++) dots[r] = _mm512_set1_epi32(-128 * x->sum[block_at(x, first + r, b)]);
    for (int g = 0; g < 8; g++) {
      const __m512i w = _mm512_loadu_si512(tile + 64 * g);
      fetch(tile, 64 * g + ahead);
      for (int r = 0; r < rows; r++)
        dots[r] = _mm512_dpbusd_epi32(dots[r], w, four_inputs(q + r * BLOCK + 4 * g));
    }
    const __m512 scale = halves(tile + 512);
    for (int r = 0; r < rows; r++) {
      const __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(x->scale[block_at(x, first + r, b)]));
      sums[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[r]), both, sums[r]);
    }
  }
  for (int r = 0; r < rows; r++) _mm512_storeu_ps(out + r * TILE, sums[r]);
}

#define OF_ROWS(tile, name, rows)                                                                     \
  static AVX512 void name(const uint8_t *weights, const Rounded *x, int64_t first, int64_t ahead, float *sums) { \
    tile(weights, x, first, ahead, sums, rows);                                                              \
  }
OF_ROWS(tile4, product4_1, 1)
OF_ROWS(tile4, product4_2, 2)
OF_ROWS(tile4, product4_3, 3)
OF_ROWS(tile4, product4_4, 4)
OF_ROWS(tile4, product4_5, 5)
OF_ROWS(tile4, product4_6, 6)
OF_ROWS(tile4, product4_7, 7)
OF_ROWS(tile4, product4_8, 8)
OF_ROWS(tile8, product8_1, 1)
OF_ROWS(tile8, product8_2, 2)
OF_ROWS(tile8, product8_3, 3)
OF_ROWS(tile8, product8_4, 4)
OF_ROWS(tile8, product8_5, 5)
OF_ROWS(tile8, product8_6, 6)
OF_ROWS(tile8, product8_7, 7)
OF_ROWS(tile8, product8_8, 8)

const Kernels avx512_vnni_kernels = {
    .name = "avx512-vnni",
    .round = round_avx2,
    .rows = 8,
    .product4 = {NULL, product4_1, product4_2, product4_3, product4_4, product4_5, product4_6, product4_7, product4_8},
    .product8 = {NULL, product8_1, product8_2, product8_3, product8_4, product8_5, product8_6, product8_7, product8_8},
};
#endif
