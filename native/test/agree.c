// The check that kernels pass before they are used: it takes this CPU's, and finds one wrong last bit in any of their parts.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/agree.h"

static const Kernels *products;
static const AttentionKernels *attention;

// The next number away from zero.
static void spoil(float *value) {
  uint32_t bits;
  memcpy(&bits, value, 4);
  bits++;
  memcpy(value, &bits, 4);
}

static void rotate(const float *x, const float *cos, const float *sin, int64_t dim, float scale, float *to) {
  attention->rotate(x, cos, sin, dim, scale, to);
  spoil(to + dim - 1);
}
static void score(const Vectors *keys, const float *queries, int64_t count, int64_t dim, float *scores, int64_t stride) {
  attention->score(keys, queries, count, dim, scores, stride);
  spoil(scores + (count - 1) * stride);
}
static float weigh_first(const float *scores, int64_t count, float *weights) {
  const float sum = attention->weigh(scores, count, weights);
  spoil(weights);
  return sum;
}
static float weigh_sum(const float *scores, int64_t count, float *weights) {
  float sum = attention->weigh(scores, count, weights);
  spoil(&sum);
  return sum;
}
static void add(const Vectors *values, const float *weights, int64_t stride, int64_t count, int64_t from, int64_t to,
                float *const *sums) {
  attention->add(values, weights, stride, count, from, to, sums);
  spoil(sums[count - 1] + to - 1);
}
static CacheType type;
static void narrow(const float *x, int64_t dim, void *to) {
  attention->narrow[type]->narrow(x, dim, to);
  *(char *)to ^= 1;
}
static void widen(const void *base, const int64_t *offsets, int64_t count, int64_t dim, int64_t from, int64_t end,
                  float *to) {
  attention->narrow[type]->widen(base, offsets, count, dim, from, end, to);
  spoil(to + (count - 1) * dim + end - 1);
}

static void round_row(const float *x, int64_t width, Rounded *to, int64_t row) {
  products->round(x, width, to, row);
  spoil(to->scale + row);
}
static int bits, rows;
static void product(const uint8_t *tile, const Rounded *x, int64_t first, int64_t ahead, float *sums) {
  (bits == 4 ? products->product4 : products->product8)[rows](tile, x, first, ahead, sums);
  spoil(sums + (rows - 1) * TILE);
}

static void fail(const char *what) {
  fprintf(stderr, "kernels %s: %s\n", products->name, what);
  exit(1);
}

int main(void) {
  products = choose_kernels();
  if (!products) return fprintf(stderr, "FORETOKEN_KERNELS names kernels that do not run here\n"), 2;
  attention = attention_kernels(products);
  if (!kernels_agree(products)) fail("they are refused");

  AttentionKernels wrong[5];
  for (int i = 0; i < 5; i++) wrong[i] = *attention;
  wrong[0].rotate = rotate;
  wrong[1].score = score;
  wrong[2].weigh = weigh_first;
  wrong[3].weigh = weigh_sum;
  wrong[4].add = add;
  for (int i = 0; i < 5; i++)
    if (attention_agrees(wrong + i)) fail("a wrong bit in attention is not seen");
  for (type = CACHE_FLOATS + 1; type < CACHE_TYPES; type++) {
    const NarrowType own = *attention->narrow[type], other[2] = {{narrow, own.widen}, {own.narrow, widen}};
    for (int i = 0; i < 2; i++) {
      AttentionKernels kernels = *attention;
      kernels.narrow[type] = other + i;
      if (attention_agrees(&kernels)) fail("a wrong bit of a cache is not seen");
    }
  }

  Kernels kernels = *products;
  kernels.round = round_row;
  if (kernels_agree(&kernels)) fail("a wrong scale is not seen");
  for (bits = 4; bits <= 8; bits += 4) {
    for (rows = 1; rows <= products->rows; rows++) {
      kernels = *products;
      (bits == 4 ? kernels.product4 : kernels.product8)[rows] = product;
      if (kernels_agree(&kernels)) fail("a wrong bit in a product is not seen");
    }
  }
  printf("agree %s: taken, and every part spoilt by a bit refused\n", products->name);
  return 0;
}
