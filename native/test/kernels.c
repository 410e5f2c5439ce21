// All kernels that run on this CPU against the plain ones, bit for bit, over random shapes and numbers of rows; and the plain
// ones against sums in double precision. Built with AddressSanitizer and UBSan by `npm run test:native`.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/product.h"
#include "random.h"

// 16-bit floats between 2^-9 and 2^-6, of either sign.
static uint16_t any_half(void) { return (uint16_t)((any() & 0x83ff) | (6 + any() % 3) << 10); }

static double half_value(uint16_t bits) {
  const double value = ldexp(1 + (bits & 1023) / 1024.0, ((bits >> 10) & 31) - 15);
  return bits & 0x8000 ? -value : value;
}

static Rounded rounded(int64_t rows, int64_t blocks) {
  const size_t count = (size_t)(rows * blocks);
  return (Rounded){rows, blocks, malloc(count * BLOCK), malloc(count * 4), malloc(count * 4), malloc(count * 4)};
}

static void release(Rounded x) {
  free(x.q);
  free(x.scale);
  free(x.sum);
  free(x.weighted);
}

static void fail(const char *what, const Kernels *kernels, int64_t rows, int64_t width) {
  fprintf(stderr, "%s: kernels %s, %lld rows of %lld\n", what, kernels->name, (long long)rows, (long long)width);
  exit(1);
}

// The product in double precision, from the definition.
static double exact(const uint8_t *tile, int bits, const Rounded *x, int64_t row, int j) {
  double sum = 0;
  for (int64_t b = 0; b < x->blocks; b++) {
    const int64_t at = block_at(x, row, b);
    const uint8_t *block = tile + b * (bits == 4 ? TILE4_BYTES : TILE8_BYTES);
    uint16_t scale, minimum = 0;
    memcpy(&scale, block + (bits == 4 ? 256 : 512) + 2 * j, 2);
    if (bits == 4) memcpy(&minimum, block + 288 + 2 * j, 2);
    for (int i = 0; i < BLOCK; i++) {
      const int nibble = block[i / 8 * 64 + 4 * j + i % 4] >> (i % 8 < 4 ? 0 : 4) & 15;
      const double w = bits == 4 ? half_value(scale) * nibble + half_value(minimum)
                                 : half_value(scale) * (block[i / 4 * 64 + 4 * j + i % 4] - 128);
      sum += w * x->scale[at] * x->q[at * BLOCK + i];
    }
  }
  return sum;
}

static void check(const Kernels *kernels, int bits, int64_t rows, int64_t width, int special) {
  const int64_t blocks = (width + BLOCK - 1) / BLOCK;
  const size_t bytes = (size_t)blocks * (bits == 4 ? TILE4_BYTES : TILE8_BYTES);
  float *x = malloc((size_t)(rows * width) * sizeof(float));
  uint8_t *tile = malloc(bytes);
  for (int64_t i = 0; i < rows * width; i++) x[i] = number();
  if (special) x[any() % (rows * width)] = (const float[]){NAN, INFINITY, -INFINITY, 1e-38f, 3e38f, -0.0f}[special - 1];
  for (size_t i = 0; i < bytes; i++) tile[i] = (uint8_t)any();
  for (int64_t b = 0; b < blocks; b++) {
    for (int j = 0; j < (bits == 4 ? 2 : 1) * TILE; j++) {
      const uint16_t value = any_half();
      memcpy(tile + b * (bits == 4 ? TILE4_BYTES : TILE8_BYTES) + (bits == 4 ? 256 : 512) + 2 * j, &value, 2);
    }
  }
  Rounded one = rounded(rows, blocks), other = rounded(rows, blocks);
  for (int64_t r = 0; r < rows; r++) plain_kernels.round(x + r * width, width, &one, r);
  for (int64_t r = 0; r < rows; r++) kernels->round(x + r * width, width, &other, r);
  const size_t count = (size_t)(rows * blocks);
  if (memcmp(one.q, other.q, count * BLOCK) || memcmp(one.sum, other.sum, count * 4)) fail("rounding", kernels, rows, width);
  for (size_t i = 0; i < count; i++)
    if (one.scale[i] != other.scale[i] && !(isnan(one.scale[i]) && isnan(other.scale[i]))) fail("scale", kernels, rows, width);
  for (int64_t r = 0; r < rows; r++) {
    float want[TILE];
    (bits == 4 ? plain_kernels.product4 : plain_kernels.product8)[1](tile, &one, r, 0, want);
    for (int j = 0; j < TILE && !special; j++)
      if (!(fabs(want[j] - exact(tile, bits, &one, r, j)) <= 1e-4)) fail("plain sum", kernels, rows, width);
    // Every row in every place of every group.
    for (int64_t first = r < kernels->rows ? 0 : r - kernels->rows + 1; first <= r; first++) {
      for (int64_t group = r - first + 1; group <= kernels->rows && first + group <= rows; group++) {
        float got[MOST_ROWS * TILE];
        (bits == 4 ? kernels->product4 : kernels->product8)[group](tile, &other, first, 0, got);
        for (int j = 0; j < TILE; j++) {
          const float value = got[(r - first) * TILE + j];
          if (memcmp(&value, &want[j], 4) && !(isnan(value) && isnan(want[j]))) fail("bits", kernels, rows, width);
        }
      }
    }
  }
  free(x);
  free(tile);
  release(one);
  release(other);
}

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 10000;
  const Kernels *kernels = choose_kernels();
  if (!kernels) return fprintf(stderr, "FORETOKEN_KERNELS names kernels that do not run here\n"), 2;
  for (int i = 0; i < rounds; i++) check(kernels, any() % 2 ? 4 : 8, 1 + any() % 11, 1 + any() % 300, i % 5 ? 0 : any() % 7);
  printf("kernels %s: %d shapes, the bits of plain C\n", kernels->name, rounds);
  return 0;
}
