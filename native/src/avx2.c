// Kernels for x86 with AVX2, and with AVX-VNNI on top: a tile's 16 outputs in two halves of 8.
#if defined(__x86_64__)
#include <immintrin.h>

#include "product.h"
#include "round_avx2.h"

// Loops whose counts are known: their branches, and indices into arrays of registers, must go.
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#define ROLLED _Pragma("clang loop unroll(disable)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#define ROLLED _Pragma("GCC unroll 1")
#endif
#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX2_INLINE static inline AVX2 __attribute__((always_inline))
#define VNNI __attribute__((target("avx2,fma,f16c,avxvnni")))
#define VNNI_INLINE static inline VNNI __attribute__((always_inline))

// Integers, for what is ahead of the last block lies outside; nothing is read there.
AVX2_INLINE void fetch(const uint8_t *tile, int64_t at) {
  _mm_prefetch((const char *)((uintptr_t)tile + (uintptr_t)at), _MM_HINT_T0);
}

AVX2_INLINE __m256i four_inputs(const int8_t *q) {
  int32_t four;
  __builtin_memcpy(&four, q, 4);
  return _mm256_set1_epi32(four);
}

AVX2_INLINE __m256 halves(const uint8_t *at) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)at)); }

// A row's dots with the two halves of a 4-bit block into its sums.
AVX2_INLINE void add4(const uint8_t *block, const __m256i dots[2], const Rounded *x, int64_t at, __m256 sums[2]) {
  const __m256 row_scale = _mm256_broadcast_ss(x->scale + at);
  const __m256 weighted = _mm256_broadcast_ss(x->weighted + at);
  UNROLLED for (int h = 0; h < 2; h++) {
    const __m256 scale = halves(block + 256 + h * 16);
    sums[h] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[h]), _mm256_mul_ps(scale, row_scale), sums[h]);
    sums[h] = _mm256_fmadd_ps(halves(block + 288 + h * 16), weighted, sums[h]);
  }
}

AVX2_INLINE void add8(const uint8_t *block, const __m256i dots[2], const Rounded *x, int64_t at, __m256 sums[2]) {
  const __m256 row_scale = _mm256_broadcast_ss(x->scale + at);
  UNROLLED for (int h = 0; h < 2; h++) {
    const __m256 both = _mm256_mul_ps(halves(block + 512 + h * 16), row_scale);
    sums[h] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[h]), both, sums[h]);
  }
}

AVX2_INLINE void tile4(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *out, int rows) {
  const __m256i low = _mm256_set1_epi8(15);
  __m256 sums[4][2];
  for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE4_BYTES) {
    const int8_t *q = x->q + block_at(x, first, b) * BLOCK;
    // 8 products of 15 * 127 at most, two at a time: they fit 16 bits.
    __m256i pairs[4][2];
    for (int r = 0; r < rows; r++) pairs[r][0] = pairs[r][1] = _mm256_setzero_si256();
    ROLLED for (int g = 0; g < 4; g++) {
      const __m256i bytes0 = _mm256_loadu_si256((const __m256i *)(tile + g * 64));
      fetch(tile, g * 64 + ahead);
      const __m256i bytes1 = _mm256_loadu_si256((const __m256i *)(tile + g * 64 + 32));
      const __m256i even0 = _mm256_and_si256(bytes0, low), even1 = _mm256_and_si256(bytes1, low);
      const __m256i odd0 = _mm256_and_si256(_mm256_srli_epi16(bytes0, 4), low);
      const __m256i odd1 = _mm256_and_si256(_mm256_srli_epi16(bytes1, 4), low);
      UNROLLED for (int r = 0; r < rows; r++) {
        const int8_t *inputs = q + r * BLOCK + 8 * g;
        __m256i four = four_inputs(inputs);
        pairs[r][0] = _mm256_add_epi16(pairs[r][0], _mm256_maddubs_epi16(even0, four));
        pairs[r][1] = _mm256_add_epi16(pairs[r][1], _mm256_maddubs_epi16(even1, four));
        four = four_inputs(inputs + 4);
        pairs[r][0] = _mm256_add_epi16(pairs[r][0], _mm256_maddubs_epi16(odd0, four));
        pairs[r][1] = _mm256_add_epi16(pairs[r][1], _mm256_maddubs_epi16(odd1, four));
      }
    }
    UNROLLED for (int r = 0; r < rows; r++) {
      const __m256i ones = _mm256_set1_epi16(1);
      const __m256i dots[2] = {_mm256_madd_epi16(pairs[r][0], ones), _mm256_madd_epi16(pairs[r][1], ones)};
      add4(tile, dots, x, block_at(x, first + r, b), sums[r]);
    }
    fetch(tile, 256 + ahead);
  }
  for (int r = 0; r < rows; r++)
    for (int h = 0; h < 2; h++) _mm256_storeu_ps(out + r * TILE + h * 8, sums[r][h]);
}

AVX2_INLINE void tile8(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *out, int rows) {
  __m256 sums[4][2];
  for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE8_BYTES) {
    const int8_t *q = x->q + block_at(x, first, b) * BLOCK;
    __m256i dots[4][2];
    for (int r = 0; r < rows; r++) dots[r][0] = dots[r][1] = _mm256_setzero_si256();
    ROLLED for (int g = 0; g < 8; g++) {
      fetch(tile, g * 64 + ahead);
      UNROLLED for (int h = 0; h < 2; h++) {
        const __m256i bytes = _mm256_loadu_si256((const __m256i *)(tile + g * 64 + h * 32));
        const __m256i w = _mm256_xor_si256(bytes, _mm256_set1_epi8((char)0x80));
        const __m256i magnitude = _mm256_abs_epi8(w);
        UNROLLED for (int r = 0; r < rows; r++) {
          // |w| times x with w's sign: two products of 128 * 127 fit 16 bits, which unsigned weights' would not.
          const __m256i turned = _mm256_sign_epi8(four_inputs(q + r * BLOCK + 4 * g), w);
          const __m256i fours = _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, turned), _mm256_set1_epi16(1));
          dots[r][h] = _mm256_add_epi32(dots[r][h], fours);
        }
      }
    }
    UNROLLED for (int r = 0; r < rows; r++) add8(tile, dots[r], x, block_at(x, first + r, b), sums[r]);
  }
  for (int r = 0; r < rows; r++)
    for (int h = 0; h < 2; h++) _mm256_storeu_ps(out + r * TILE + h * 8, sums[r][h]);
}

VNNI_INLINE void vnni_tile4(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *out, int rows) {
  const __m256i low = _mm256_set1_epi8(15);
  __m256 sums[4][2];
  for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE4_BYTES) {
    const int8_t *q = x->q + block_at(x, first, b) * BLOCK;
    __m256i dots[4][2];
    for (int r = 0; r < rows; r++) dots[r][0] = dots[r][1] = _mm256_setzero_si256();
    UNROLLED for (int g = 0; g < 8; g++) {
      __m256i w0 = _mm256_loadu_si256((const __m256i *)(tile + g / 2 * 64));
      if (g % 2 == 0) fetch(tile, g * 32 + ahead);
      __m256i w1 = _mm256_loadu_si256((const __m256i *)(tile + g / 2 * 64 + 32));
      w0 = _mm256_and_si256(g % 2 ? _mm256_srli_epi16(w0, 4) : w0, low);
      w1 = _mm256_and_si256(g % 2 ? _mm256_srli_epi16(w1, 4) : w1, low);
      UNROLLED for (int r = 0; r < rows; r++) {
        const __m256i four = four_inputs(q + r * BLOCK + 4 * g);
        dots[r][0] = _mm256_dpbusd_avx_epi32(dots[r][0], w0, four);
        dots[r][1] = _mm256_dpbusd_avx_epi32(dots[r][1], w1, four);
      }
    }
    UNROLLED for (int r = 0; r < rows; r++) add4(tile, dots[r], x, block_at(x, first + r, b), sums[r]);
  }
  for (int r = 0; r < rows; r++)
    for (int h = 0; h < 2; h++) _mm256_storeu_ps(out + r * TILE + h * 8, sums[r][h]);
}

VNNI_INLINE void vnni_tile8(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *out, int rows) {
  __m256 sums[4][2];
  for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  for (int64_t b = 0; b < x->blocks; b++, tile += TILE8_BYTES) {
    const int8_t *q = x->q + block_at(x, first, b) * BLOCK;
    __m256i dots[4][2];
    // Weights are stored 128 too high.
    for (int r = 0; r < rows; r++)
      dots[r][0] = dots[r][1] = _mm256_set1_epi32(-128 * x->sum[block_at(x, first + r, b)]);
    UNROLLED for (int g = 0; g < 8; g++) {
      const __m256i w0 = _mm256_loadu_si256((const __m256i *)(tile + g * 64));
      fetch(tile, g * 64 + ahead);
      const __m256i w1 = _mm256_loadu_si256((const __m256i *)(tile + g * 64 + 32));
      UNROLLED for (int r = 0; r < rows; r++) {
        const __m256i four = four_inputs(q + r * BLOCK + 4 * g);
        dots[r][0] = _mm256_dpbusd_avx_epi32(dots[r][0], w0, four);
        dots[r][1] = _mm256_dpbusd_avx_epi32(dots[r][1], w1, four);
      }
    }
    UNROLLED for (int r = 0; r < rows; r++) add8(tile, dots[r], x, block_at(x, first + r, b), sums[r]);
  }
  for (int r = 0; r < rows; r++)
    for (int h = 0; h < 2; h++) _mm256_storeu_ps(out + r * TILE + h * 8, sums[r][h]);
}

#define OF_ROWS(target, tile, name, rows)                                                      \
  static target void name(const uint8_t *weights, const Rounded *x, int64_t first, int64_t ahead, float *sums) { \
    tile(weights, x, first, ahead, sums, rows);                                                       \
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
