// What attention with AVX2 does, AVX-512's kernels do too where wider registers gain nothing.
#ifndef FORETOKEN_ATTENTION_AVX2_H
#define FORETOKEN_ATTENTION_AVX2_H

#include <stdint.h>

void rotate_avx2(const float *x, const float *cos, const float *sin, int64_t dim, float scale, float *to);
float weigh_avx2(const float *scores, int64_t count, float *weights);

#endif
