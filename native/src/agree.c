// Kernels against the plain ones, on numbers made here: before any of them is used, in less than a millisecond.
#include "agree.h"

#include <string.h>

static uint32_t state;
static float number(void) {
  state = state * 1664525 + 1013904223;
  return (float)(state >> 8) / 8388608 - 1;
}

// For every number of rows, on weights and rows that use all their values.
static int products_agree(const Kernels *kernels) {
  enum { BLOCKS = 3, WIDTH = BLOCKS * BLOCK, BYTES = BLOCKS * TILE8_BYTES };
  static const uint16_t halves[] = {0x2c00, 0xa911, 0x27ff, 0x2001}; // of ordinary size
  uint8_t tile[BYTES];
  float x[MOST_ROWS * WIDTH];
  state = 12345;
  for (int i = 0; i < MOST_ROWS * WIDTH; i++) x[i] = number() * (i % 29 ? 1 : 9);
  int8_t q[2][MOST_ROWS * WIDTH];
  float scale[2][MOST_ROWS * BLOCKS], weighted[2][MOST_ROWS * BLOCKS];
  int32_t sum[2][MOST_ROWS * BLOCKS];
  const Kernels *of[2] = {&plain_kernels, kernels};
  Rounded rounded[2];
  for (int k = 0; k < 2; k++) {
    rounded[k] = (Rounded){MOST_ROWS, BLOCKS, q[k], scale[k], sum[k], weighted[k]};
    for (int r = 0; r < MOST_ROWS; r++) of[k]->round(x + r * WIDTH, WIDTH, &rounded[k], r);
  }
  for (int bits = 4; bits <= 8; bits += 4) {
    const int block = bits == 4 ? TILE4_BYTES : TILE8_BYTES, codes = bits == 4 ? 256 : 512;
    for (int i = 0; i < BLOCKS * block; i++) tile[i] = (uint8_t)((i * 37) ^ (i >> 4));
    for (int b = 0; b < BLOCKS; b++)
      for (int i = 0; i < (block - codes) / 2; i++) memcpy(tile + b * block + codes + 2 * i, &halves[(b + i) % 4], 2);
    for (int rows = 1; rows <= kernels->rows; rows++) {
      float got[MOST_ROWS * TILE], want[TILE];
      (bits == 4 ? kernels->product4 : kernels->product8)[rows](tile, &rounded[1], 0, 0, got);
      for (int r = 0; r < rows; r++) {
        (bits == 4 ? plain_kernels.product4 : plain_kernels.product8)[1](tile, &rounded[0], r, 0, want);
        if (memcmp(got + r * TILE, want, sizeof want) != 0) return 0;
      }
    }
  }
  return 1;
}

enum { DIM = 40, KEYS = 19, QUERIES = 7, STRIDE = 24, FROM = 8 };

// What attention computes of some keys, which are values too, up to its sums.
typedef struct {
  float queries[QUERIES * DIM], scores[QUERIES * STRIDE], weights[QUERIES * STRIDE], totals[QUERIES], sums[QUERIES * DIM];
} Attended;

static void attend(const AttentionKernels *kernels, const float *x, const Vectors *keys, int count, Attended *to) {
  memset(to, 0, sizeof *to);
  for (int q = 0; q < count; q++)
    kernels->rotate(x + q * DIM, x + DIM, x + 2 * DIM, DIM, 0.125f * (float)(1 + 40 * q), to->queries + q * DIM);
  kernels->score(keys, to->queries, count, DIM, to->scores, STRIDE);
  float *sums[QUERIES];
  for (int q = 0; q < count; q++) {
    to->totals[q] = kernels->weigh(to->scores + q * STRIDE, KEYS - q, to->weights + q * STRIDE);
    sums[q] = to->sums + q * DIM;
  }
  kernels->add(keys, to->weights, STRIDE, count, FROM, DIM, sums);
}

// What a cache in fewer bits stores of the keys, and what it reads back.
typedef struct {
  char stored[KEYS * (DIM + 4) * 2];
  float read[KEYS * DIM];
} Narrowed;

static void narrow(const NarrowType *type, CacheType numbers, const float *x, Narrowed *to) {
  memset(to, 0, sizeof *to);
  int64_t offsets[KEYS];
  for (int i = 0; i < KEYS; i++) {
    offsets[i] = i * vector_numbers(numbers, DIM);
    type->narrow(x + i * DIM, DIM, to->stored + offsets[i] * number_bytes(numbers));
  }
  type->widen(to->stored, offsets, KEYS, DIM, FROM, DIM, to->read);
}

// For every number of queries, with numbers of keys and channels that no kernel takes at once.
int attention_agrees(const AttentionKernels *kernels) {
  float x[KEYS * DIM];
  int64_t offsets[KEYS];
  state = 54321;
  for (int i = 0; i < KEYS * DIM; i++) x[i] = number() * (i % 31 ? 1 : 6);
  for (int i = 0; i < KEYS; i++) offsets[i] = (KEYS - 1 - i) * DIM;
  const Vectors keys = {x, offsets, KEYS};
  Attended want, got;
  for (int count = 1; count <= QUERIES; count++) {
    attend(&plain_attention, x, &keys, count, &want);
    attend(kernels, x, &keys, count, &got);
    if (memcmp(&want, &got, sizeof want) != 0) return 0;
  }
  for (int type = CACHE_FLOATS + 1; type < CACHE_TYPES; type++) {
    Narrowed stored, other;
    narrow(plain_attention.narrow[type], (CacheType)type, x, &stored);
    narrow(kernels->narrow[type], (CacheType)type, x, &other);
    if (memcmp(&stored, &other, sizeof stored) != 0) return 0;
  }
  return 1;
}

int kernels_agree(const Kernels *kernels) {
  return products_agree(kernels) && attention_agrees(attention_kernels(kernels));
}
