// Vectors in fewer bits, in plain C: what the other kernels must agree with.
#include "half.h"
#include "narrow.h"

static void narrow_halves(const float *x, int64_t dim, void *to) {
  uint16_t *halves = to;
  for (int64_t d = 0; d < dim; d++) halves[d] = float_to_half(x[d]);
}

static void widen_halves(const void *base, const int64_t *offsets, int64_t count, int64_t dim, int64_t from,
                         int64_t end, float *to) {
  for (int64_t i = 0; i < count; i++) {
    const uint16_t *halves = (const uint16_t *)base + offsets[i];
    for (int64_t d = from; d < end; d++) to[i * dim + d] = half_to_float(halves + d);
  }
}

static void narrow_bytes(const float *x, int64_t dim, void *to) {
  int8_t *q = to;
  uint32_t largest = 0;
  for (int64_t d = 0; d < dim; d++) {
    uint32_t bits;
    memcpy(&bits, x + d, 4);
    if ((bits & 0x7fffffff) > largest) largest = bits & 0x7fffffff;
  }
  float inverse;
  const float scale = byte_scale(largest, &inverse);
  if (inverse == 0) {
    memset(q, 0, (size_t)dim);
  } else {
    for (int64_t d = 0; d < dim; d++) q[d] = (int8_t)lrintf(x[d] * inverse);
  }
  memcpy(q + dim, &scale, 4);
}

static void widen_bytes(const void *base, const int64_t *offsets, int64_t count, int64_t dim, int64_t from,
                        int64_t end, float *to) {
  for (int64_t i = 0; i < count; i++) {
    const int8_t *q = (const int8_t *)base + offsets[i];
    float scale;
    memcpy(&scale, q + dim, 4);
    for (int64_t d = from; d < end; d++) to[i * dim + d] = (float)q[d] * scale;
  }
}

const NarrowType plain_halves = {narrow_halves, widen_halves};
const NarrowType plain_bytes = {narrow_bytes, widen_bytes};
