#include "tiles.h"

#include <stdio.h>

// How far ahead one group of rows fetches: a thread's reads of one tile after the other outrun the hardware's own guesses.
enum { AHEAD = 4096, PIECE_BYTES = 24 << 10 };

static OrtStatus *refuse_product(const OrtApi *api, const char *name, const char *reason) {
  char message[160];
  snprintf(message, sizeof message, "%s: %s", name, reason);
  return refuse(api, message);
}

OrtStatus *read_product(const OrtApi *api, const OrtKernelInfo *info, const char *name, Product *to) {
  *to = (Product){.api = api, .kernels = choose_kernels()};
  TRY(read_attribute(api, info, "K", &to->K));
  TRY(read_attribute(api, info, "N", &to->N));
  TRY(read_attribute(api, info, "bits", &to->bits));
  const int64_t most = 1 << 30;
  if (to->K < 1 || to->N < 1 || to->K > most || to->N > most || (to->bits != 4 && to->bits != 8))
    return refuse_product(api, name, "K and N must be positive, bits 4 or 8");
  if (!to->kernels) return refuse_product(api, name, "FORETOKEN_KERNELS names kernels that do not run on this CPU");
  to->blocks = (to->K + BLOCK - 1) / BLOCK;
  to->tiles = (to->N + TILE - 1) / TILE;
  to->tile_bytes = to->blocks * (to->bits == 4 ? TILE4_BYTES : TILE8_BYTES);
  return NULL;
}

OrtStatus *read_weights(const Product *product, OrtKernelContext *context, size_t i, Weights *to) {
  const OrtApi *api = product->api;
  Tensor weights, bias;
  TRY(read_input(api, context, i, &weights));
  TRY(read_input(api, context, i + 1, &bias));
  if (weights.data && (weights.count != 3 || weights.dims[0] != product->tiles || weights.dims[1] != product->blocks ||
                       weights.dims[2] * product->blocks != product->tile_bytes))
    return refuse(api, "the weights must be [ceil(N / 16), ceil(K / 32), 320 for 4 bits or 544 for 8]");
  if (bias.data && (bias.count != 1 || bias.dims[0] != product->N)) return refuse(api, "the bias must be [N]");
  *to = (Weights){weights.data, bias.data};
  return NULL;
}

int64_t tiles_in_piece(const Product *product) { return 1 + PIECE_BYTES / product->tile_bytes; }

int64_t group_of(const Product *product, int64_t left) {
  const int64_t groups = (left + product->kernels->rows - 1) / product->kernels->rows;
  return (left + groups - 1) / groups;
}

void tile_sums(const Product *product, const Weights *weights, int64_t tile, const Rounded *x, int64_t row, int64_t count,
               int last, float *sums) {
  const Kernels *kernels = product->kernels;
  const TileProduct multiply = (product->bits == 4 ? kernels->product4 : kernels->product8)[count];
  // One group waits for memory. The last of several computes longer than that: it fetches the next tile meanwhile.
  const int64_t ahead = !last ? 0 : row == 0 ? AHEAD : product->tile_bytes;
  multiply(weights->tiles + tile * product->tile_bytes, x, row, ahead, sums);
  if (!weights->bias) return;
  const int64_t column = tile * TILE, columns = product->N - column < TILE ? product->N - column : TILE;
  for (int64_t r = 0; r < count; r++)
    for (int64_t j = 0; j < columns; j++) sums[r * TILE + j] += weights->bias[column + j];
}
