// What every product with tiled weights does: its shape, its weights, and a tile's sums for all rows.
#ifndef FORETOKEN_TILES_H
#define FORETOKEN_TILES_H

#include "operator.h"
#include "product.h"

// y [..., N] = x [..., K] W^T, with weights of 4 or 8 bits.
typedef struct {
  const OrtApi *api;
  const Kernels *kernels;
  int64_t K, N, bits;
  int64_t blocks, tiles, tile_bytes;
} Product;

// Weights u8 [tiles, blocks, bytes of a block]; bias f32 [N], or NULL.
typedef struct {
  const uint8_t *tiles;
  const float *bias;
} Weights;

// Reads the attributes K, N and bits, and chooses kernels. `name` is the operator's, for errors.
OrtStatus *read_product(const OrtApi *api, const OrtKernelInfo *info, const char *name, Product *to);
// Reads the inputs `i` and `i + 1`; to->tiles is NULL where there is none.
OrtStatus *read_weights(const Product *product, OrtKernelContext *context, size_t i, Weights *to);

// The tiles of one piece of work: long enough to be worth handing out, short enough to spread evenly.
int64_t tiles_in_piece(const Product *product);

// The most rows of a group, and how many the next group of `left` rows takes: groups are of equal size, 5 rows 3 and 2.
int64_t group_of(const Product *product, int64_t left);
// sums [count][16] of rows [row, row + count) of `x` with a tile; `last`: no other rows take this tile after these.
void tile_sums(const Product *product, const Weights *weights, int64_t tile, const Rounded *x, int64_t row, int64_t count,
               int last, float *sums);

#endif
