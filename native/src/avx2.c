// Kernels for x86 with AVX2, and with AVX-VNNI on top: a tile's 16 outputs in two halves of 8.
#if defined(__x86_64__)
#include <immintrin.h>

#include "product.h"
#include "round_avx2.h"

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX2_INLINE static inline AVX2 __attribute__((always_inline))
#define VNNI __attribute__((target("avx2,fma,f16c,avxvnni")))
#define VNNI_INLINE static inline VNNI __attribute__((always_inline))

AVX2_INLINE __m256i four_inputs(const int8_t *q) {
  int32_t four;
  __builtin_memcpy(&four, q, 4);
  return _mm256_set1_epi32(four);
}

AVX2_INLINE __m256 halves(const uint8_t *at) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)at)); }

// Eight groups of four inputs of 8 outputs: nibbles of the low half of each 64 bytes, or of the high one.
AVX2_INLINE __m256i nibbles(const uint8_t *block, int half, int group) {
  const __m256i bytes = _mm256_loadu_si256((const __m256i *)(block + group / 2 * 64 + half * 32));
  return _mm256_and_si256(group % 2 ? _mm256_srli_epi16(bytes, 4) : bytes, _mm256_set1_epi8(15));
}

AVX2_INLINE void add4(const uint8_t *block, int half, const __m256i *dots, const Rounded *x, int64_t first, int64_t b,
                      int rows, __m256 *sums) {
  const __m256 scale = halves(block + 256 + half * 16);
  const __m256 minimum = halves(block + 288 + half * 16);
  for (int r = 0; r < rows; r++) {
    const int64_t at = (first + r) * x->blocks + b;
    const __m256 both = _mm256_mul_ps(scale, _mm256_broadcast_ss(x->scale + at));
    sums[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r]), both, sums[r]);
    sums[r] = _mm256_fmadd_ps(minimum, _mm256_broadcast_ss(x->weighted + at), sums[r]);
  }
}

AVX2_INLINE void tile4(const uint8_t *tile, const Rounded *x, int64_t first, float *out, int rows) {
  __m256 sums[2][MOST_ROWS];
  for (int h = 0; h < 2; h++)
    for (int r = 0; r < rows; r++) sums[h][r] = _mm256_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE4_BYTES) {
    const int8_t *q = x->q + (first * x->blocks + b) * BLOCK;
    for (int h = 0; h < 2; h++) {
      // 8 products of 15 * 127 at most, two at a time: they fit 16 bits.
      __m256i pairs[MOST_ROWS];
      for (int r = 0; r < rows; r++) pairs[r] = _mm256_setzero_si256();
      for (int g = 0; g < 8; g++) {
        const __m256i w = nibbles(tile, h, g);
        for (int r = 0; r < rows; r++) {
          const __m256i products = _mm256_maddubs_epi16(w, four_inputs(q + r * x->blocks * BLOCK + 4 * g));
          pairs[r] = _mm256_add_epi16(pairs[r], products);
        }
      }
      for (int r = 0; r < rows; r++) pairs[r] = _mm256_madd_epi16(pairs[r], _mm256_set1_epi16(1));
      add4(tile, h, pairs, x, first, b, rows, sums[h]);
    }
  }
  for (int h = 0; h < 2; h++)
    for (int r = 0; r < rows; r++) _mm256_storeu_ps(out + r * TILE + h * 8, sums[h][r]);
}

AVX2_INLINE void tile8(const uint8_t *tile, const Rounded *x, int64_t first, float *out, int rows) {
  __m256 sums[2][MOST_ROWS];
  for (int h = 0; h < 2; h++)
    for (int r = 0; r < rows; r++) sums[h][r] = _mm256_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE8_BYTES) {
    const int8_t *q = x->q + (first * x->blocks + b) * BLOCK;
    for (int h = 0; h < 2; h++) {
      __m256i dots[MOST_ROWS];
      for (int r = 0; r < rows; r++) dots[r] = _mm256_setzero_si256();
      for (int g = 0; g < 8; g++) {
        const __m256i bytes = _mm256_loadu_si256((const __m256i *)(tile + g * 64 + h * 32));
        const __m256i w = _mm256_xor_si256(bytes, _mm256_set1_epi8((char)0x80));
        const __m256i magnitude = _mm256_abs_epi8(w);
        for (int r = 0; r < rows; r++) {
          // |w| times x with w's sign: two products of 128 * 127 fit 16 bits, which unsigned weights' would not.
          const __m256i turned = _mm256_sign_epi8(four_inputs(q + r * x->blocks * BLOCK + 4 * g), w);
          const __m256i fours = _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, turned), _mm256_set1_epi16(1));
          dots[r] = _mm256_add_epi32(dots[r], fours);
        }
      }
      const __m256 scale = halves(tile + 512 + h * 16);
      for (int r = 0; r < rows; r++) {
        const __m256 both = _mm256_mul_ps(scale, _mm256_broadcast_ss(x->scale + (first + r) * x->blocks + b));
        sums[h][r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r]), both, sums[h][r]);
      }
    }
  }
  for (int h = 0; h < 2; h++)
    for (int r = 0; r < rows; r++) _mm256_storeu_ps(out + r * TILE + h * 8, sums[h][r]);
}

VNNI_INLINE void vnni_tile4(const uint8_t *tile, const Rounded *x, int64_t first, float *out, int rows) {
  __m256 sums[2][MOST_ROWS];
  for (int h = 0; h < 2; h++)
    for (int r = 0; r < rows; r++) sums[h][r] = _mm256_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE4_BYTES) {
    const int8_t *q = x->q + (first * x->blocks + b) * BLOCK;
    for (int h = 0; h < 2; h++) {
      __m256i dots[MOST_ROWS];
      for (int r = 0; r < rows; r++) dots[r] = _mm256_setzero_si256();
      for (int g = 0; g < 8; g++) {
        const __m256i w = nibbles(tile, h, g);
        for (int r = 0; r < rows; r++)
          dots[r] = _mm256_dpbusd_avx_epi32(dots[r], w, four_inputs(q + r * x->blocks * BLOCK + 4 * g));
      }
      add4(tile, h, dots, x, first, b, rows, sums[h]);
    }
  }
  for (int h = 0; h < 2; h++)
    for (int r = 0; r < rows; r++) _mm256_storeu_ps(out + r * TILE + h * 8, sums[h][r]);
}

VNNI_INLINE void vnni_tile8(const uint8_t *tile, const Rounded *x, int64_t first, float *out, int rows) {
  __m256 sums[2][MOST_ROWS];
  for (int h = 0; h < 2; h++)
    for (int r = 0; r < rows; r++) sums[h][r] = _mm256_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE8_BYTES) {
    const int8_t *q = x->q + (first * x->blocks + b) * BLOCK;
    for (int h = 0; h < 2; h++) {
      __m256i dots[MOST_ROWS];
      // Weights are stored 128 too high.
      for (int r = 0; r < rows; r++) dots[r] = _mm256_set1_epi32(-128 * x->sum[(first + r) * x->blocks + b]);
      for (int g = 0; g < 8; g++) {
        const __m256i w = _mm256_loadu_si256((const __m256i *)(tile + g * 64 + h * 32));
        for (int r = 0; r < rows; r++)
          dots[r] = _mm256_dpbusd_avx_epi32(dots[r], w, four_inputs(q + r * x->blocks * BLOCK + 4 * g));
      }
      const __m256 scale = halves(tile + 512 + h * 16);
      for (int r = 0; r < rows; r++) {
        const __m256 both = _mm256_mul_ps(scale, _mm256_broadcast_ss(x->scale + (first + r) * x->blocks + b));
        sums[h][r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r]), both, sums[h][r]);
      }
    }
  }
  for (int h = 0; h < 2; h++)
    for (int r = 0; r < rows; r++) _mm256_storeu_ps(out + r * TILE + h * 8, sums[h][r]);
}

#define OF_ROWS(target, tile, name, rows)                                                      \
  static target void name(const uint8_t *weights, const Rounded *x, int64_t first, float *sums) { \
    tile(weights, x, first, sums, rows);                                                       \
  }
OF_ROWS(AVX2, tile4, avx2_4_1, 1)
OF_ROWS(AVX2, tile4, avx2_4_2, 2)
OF_ROWS(AVX2, tile4, avx2_4_3, 3)
OF_ROWS(AVX2, tile4, avx2_4_4, 4)
OF_ROWS(AVX2, tile8, avx2_8_1, 1)
OF_ROWS(AVX2, tile8, avx2_8_2, 2)
OF_ROWS(AVX2, tile8, avx2_8_3, 3)
OF_ROWS(AVX2, tile8, avx2_8_4, 4)
OF_ROWS(VNNI, vnni_tile4, vnni_4_1, 1)
OF_ROWS(VNNI, vnni_tile4, vnni_4_2, 2)
OF_ROWS(VNNI, vnni_tile4, vnni_4_3, 3)
OF_ROWS(VNNI, vnni_tile4, vnni_4_4, 4)
OF_ROWS(VNNI, vnni_tile8, vnni_8_1, 1)
OF_ROWS(VNNI, vnni_tile8, vnni_8_2, 2)
OF_ROWS(VNNI, vnni_tile8, vnni_8_3, 3)
OF_ROWS(VNNI, vnni_tile8, vnni_8_4, 4)

const Kernels avx2_kernels = {
    .name = "avx2",
    .round = round_avx2,
    .rows = 4,
    .product4 = {NULL, avx2_4_1, avx2_4_2, avx2_4_3, avx2_4_4},
    .product8 = {NULL, avx2_8_1, avx2_8_2, avx2_8_3, avx2_8_4},
};

const Kernels avx_vnni_kernels = {
    .name = "avx-vnni",
    .round = round_avx2,
    .rows = 4,
    .product4 = {NULL, vnni_4_1, vnni_4_2, vnni_4_3, vnni_4_4},
    .product8 = {NULL, vnni_8_1, vnni_8_2, vnni_8_3, vnni_8_4},
};
#endif
