// Products y = x W^T of few rows with weights in blocks of 32: what all kernels compute, bit for bit.
//
// Weights lie in tiles of 16 outputs. A tile's block holds, for 32 inputs of 16 outputs:
//   4 bits: 4 groups of 64 bytes; byte 4 j + i of group g has input 8 g + i of output j in its low nibble and input
//           8 g + 4 + i in its high one; then 16 scales and 16 minima, 16-bit floats.  w = scale q + minimum
//   8 bits: 8 groups of 64 bytes; byte 4 j + i of group g is q + 128 of input 4 g + i of output j; then 16 scales.  w = scale q
// Outputs and inputs beyond the last one are stored as zeros.
//
// Rows are rounded to signed bytes, a scale for each block of 32: scale = max |x| / 127, q = x 127 / max |x| to the nearest,
// half to even. An output's sum takes its blocks in order, each in this way:
//   sum = fma(float(dot), weight scale * row scale, sum), and for 4 bits sum = fma(minimum, row scale * float(sum of q), sum)
// Dots are exact integers. So a row's bits depend on the row alone, and are the same with every kernel.
#ifndef FORETOKEN_PRODUCT_H
#define FORETOKEN_PRODUCT_H

#include <stddef.h>
#include <stdint.h>

enum { BLOCK = 32, TILE = 16, TILE4_BYTES = 320, TILE8_BYTES = 544 };

// Largest magnitudes below this count as zero: 127 / max would overflow.
#define TINY 1e-30f

// `rows` rows of `blocks` blocks, rounded. The rows' blocks lie together: a product reads one stream, and rows whose width is
// a power of two do not compete for the same lines of the first-level cache.
typedef struct {
  int64_t rows, blocks;
  int8_t *q;       // [blocks][rows][32]
  float *scale;    // [blocks][rows]
  int32_t *sum;    // [blocks][rows], sums of q
  float *weighted; // [blocks][rows], scale * sum
} Rounded;

static inline int64_t block_at(const Rounded *x, int64_t row, int64_t block) { return block * x->rows + row; }

// The sums [rows][16] of `rows` rows (from row `first` on) with one tile. What lies `ahead` bytes behind each block is fetched
// meanwhile.
typedef void (*TileProduct)(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *sums);

enum { MOST_ROWS = 8 };

typedef struct {
  const char *name;
  // Rounds one row of `width` numbers; blocks beyond it are zero.
  void (*round)(const float *x, int64_t width, Rounded *to, int64_t row);
  // Rows that are taken at a time, at most MOST_ROWS.
  int rows;
  TileProduct product4[MOST_ROWS + 1]; // by number of rows; [0] is unused
  TileProduct product8[MOST_ROWS + 1];
} Kernels;

extern const Kernels plain_kernels;
#if defined(__x86_64__)
extern const Kernels avx2_kernels;
extern const Kernels avx_vnni_kernels;
extern const Kernels avx512_vnni_kernels;
#elif defined(__aarch64__)
extern const Kernels neon_kernels;
#endif

// The best kernels for this CPU, or those that FORETOKEN_KERNELS names (plain ones only then); NULL where none run here.
const Kernels *choose_kernels(void);

#endif
