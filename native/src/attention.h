// Causal attention over rows of token trees: the arithmetic of TreeAttention, the same in all kernels, bit for bit.
//
// A row attends to the keys and values along its path, which has `position + 1` of them; i is the index in the path.
// With D channels, and fma(a, b, c) = a b + c rounded once, all in 32-bit floats:
//   rotary   of the halves x1, x2 of a vector:  x1' = fma(x1, cos, -(x2 sin)),  x2' = fma(x2, cos, x1 sin)
//   query    rotated, then times 1 / sqrt(D), rounded from double precision
//   key      rotated by its own row's position, and stored so
//   stored   keys and values, in the numbers of the pool (narrow.h); a pass stores its own rows' before it reads any, so
//            what is read is always what was stored, as 32-bit floats
//   score i  8 partial sums of query times key, sum j over channels j, j + 8, ... in order, s = fma(q, k, s) from 0;
//            then the tree  ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
//   max      the largest score that is a number, of the whole path; -infinity where none is
//   weight i exp(score i - max), where exp(x) = 0 for x < -87, else with t = fma(x, log2 e, 1.5 2^23),
//            n = t - 1.5 2^23, r = fma(n, -ln2 high, x), r = fma(n, -ln2 low, r):  a polynomial of r by Horner's rule
//            with fma, times 2^n
//   sum      8 partial sums of weights, sum j over i = j, j + 8, ... in order from 0; then the same tree
//   value d  v = fma(weight i, value i [d], v) over i in order from 0, times (1 / sum)
// So a row's bits depend on its own query and on the keys and values along its path, in the path's order, alone: not on
// where they lie, on the other rows of a pass, on the split over threads, or on the kernels. NaN anywhere in a path's
// scores, or infinity as the largest, gives NaN; NaNs' own bits are not part of this contract.
#ifndef FORETOKEN_ATTENTION_H
#define FORETOKEN_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

#include "exp_terms.h"
#include "narrow.h"

// Keys or values of consecutive path indices: vector i begins at base[offsets[i]].
typedef struct {
  const float *base;
  const int64_t *offsets;
  int64_t count;
} Vectors;

// Channels are counted in multiples of 8.
typedef struct {
  const char *name;
  // One vector of `dim` channels, rotated and times `scale`.
  void (*rotate)(const float *x, const float *cos, const float *sin, int64_t dim, float scale, float *to);
  // scores[q * stride + i] of `queries` [queries][dim] with key i. Keys should fit the first-level cache.
  void (*score)(const Vectors *keys, const float *queries, int64_t count, int64_t dim, float *scores, int64_t stride);
  // The weights of a whole path's scores, and their sum. `weights` may be `scores`.
  float (*weigh)(const float *scores, int64_t count, float *weights);
  // Adds weights[q * stride + i] times value i to sums[q], channels `from` to `to`.
  void (*add)(const Vectors *values, const float *weights, int64_t stride, int64_t count, int64_t from, int64_t to,
              float *const *sums);
  // How vectors are narrowed and widened, by the pool's numbers; NULL for floats, which are read where they lie.
  const NarrowType *narrow[CACHE_TYPES];
} AttentionKernels;

extern const AttentionKernels plain_attention;
#if defined(__x86_64__)
extern const AttentionKernels avx2_attention;
extern const AttentionKernels avx512_attention;
#elif defined(__aarch64__)
extern const AttentionKernels neon_attention;
#endif

#endif
