// The rows of a product, before they are multiplied: a residual stream takes its update, is normed and rounded.
#ifndef FORETOKEN_ROWS_H
#define FORETOKEN_ROWS_H

#include "product.h"

typedef struct {
  const float *x;      // [count][width]
  const float *update; // [count][width], added to x; may be NULL
  const float *gain;   // [width]: x / sqrt(mean(x^2) + epsilon) * gain is rounded; NULL rounds x itself
  float *sum;          // [count][width]: x with its update, where there is one
  float epsilon;
  int64_t count, width;
} Rows;

// Rounds the rows; free(to->scale) when done. 0 where there is no memory.
int round_rows(const Kernels *kernels, const Rows *rows, Rounded *to);

#endif
