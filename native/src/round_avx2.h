// Rounding of rows with AVX2, which the AVX-512 kernels use too.
#ifndef FORETOKEN_ROUND_AVX2_H
#define FORETOKEN_ROUND_AVX2_H

#include "product.h"

void round_avx2(const float *x, int64_t width, Rounded *to, int64_t row);

#endif
