#include "rows.h"

#include <math.h>
#include <stdlib.h>

enum { LANES = 16 };

// The sum of squares in one order, whatever the compiler makes of it: numbers i, i + 16, i + 32, ... together, then halves.
static float sum_of_squares(const float *x, int64_t width) {
  float lanes[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= width; i += LANES)
    for (int j = 0; j < LANES; j++) lanes[j] += x[i + j] * x[i + j];
  for (int j = 0; i + j < width; j++) lanes[j] += x[i + j] * x[i + j];
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) lanes[j] += lanes[j + half];
  return lanes[0];
}

static const float *normed(const Rows *rows, const float *x, float *to) {
  const float scale = 1 / sqrtf(sum_of_squares(x, rows->width) / (float)rows->width + rows->epsilon);
  for (int64_t i = 0; i < rows->width; i++) to[i] = x[i] * scale * rows->gain[i];
  return to;
}

static const float *updated(const Rows *rows, int64_t row) {
  const int64_t first = row * rows->width;
  if (!rows->update) return rows->x + first;
  float *sum = rows->sum + first;
  for (int64_t i = 0; i < rows->width; i++) sum[i] = rows->x[first + i] + rows->update[first + i];
  return sum;
}

int round_rows(const Kernels *kernels, const Rows *rows, Rounded *to) {
  to->rows = rows->count;
  to->blocks = (rows->width + BLOCK - 1) / BLOCK;
  const size_t blocks = (size_t)(rows->count * to->blocks);
  const size_t scratch = rows->gain ? (size_t)rows->width : 0;
  // One piece of memory: 32-bit numbers first, so that all of it is aligned.
  float *memory = malloc(blocks * (sizeof(float) * 2 + sizeof(int32_t) + BLOCK) + scratch * sizeof(float));
  if (!memory) return 0;
  to->scale = memory;
  to->weighted = to->scale + blocks;
  to->sum = (int32_t *)(to->weighted + blocks);
  float *row_normed = (float *)(to->sum + blocks);
  to->q = (int8_t *)(row_normed + scratch);
  for (int64_t row = 0; row < rows->count; row++) {
    const float *x = updated(rows, row);
    kernels->round(rows->gain ? normed(rows, x, row_normed) : x, rows->width, to, row);
  }
  return 1;
}
