// Vectors in fewer bits: every 16-bit float, ties and special numbers, random vectors of all sizes; the kernels of this CPU
// against plain C, bit for bit, and nothing beyond a vector's end is touched.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/attention_pass.h"
#include "../src/half.h"
#include "random.h"

enum { DIM = MOST_CHANNELS, GUARD = 16 };

static void fail(const char *what, int64_t at) {
  fprintf(stderr, "%s, at %lld\n", what, (long long)at);
  exit(1);
}

// The nearest half to x, of two the even one.
static void check_nearest(float x, uint16_t taken) {
  if (isnan(x)) {
    if (!isnan(half_to_float(&taken))) fail("NaN in 16 bits", taken);
    return;
  }
  const double magnitude = fabs((double)x);
  if (magnitude >= 65520) {
    if (taken != (signbit(x) ? 0xfc00 : 0x7c00)) fail("beyond 16 bits", taken);
    return;
  }
  if (taken >> 15 != (signbit(x) != 0)) fail("a sign in 16 bits", taken);
  const uint16_t here = taken & 0x7fff;
  const double distance = fabs(magnitude - (double)half_to_float(&here));
  for (int step = -1; step <= 1; step += 2) {
    const uint16_t other = (uint16_t)(here + step);
    if (other > 0x7bff) continue;
    const double far = fabs(magnitude - (double)half_to_float(&other));
    if (far < distance || (far == distance && (here & 1))) fail("not the nearest in 16 bits", taken);
  }
}

static void check_halves(const NarrowType *narrow) {
  float x[8], back[8];
  uint16_t held[8];
  const int64_t offset = 0;
  for (int32_t bits = 0; bits < 65536; bits += 8) {
    for (int i = 0; i < 8; i++) held[i] = (uint16_t)(bits + i), x[i] = half_to_float(held + i);
    narrow->widen(held, &offset, 1, 8, 0, 8, back);
    for (int i = 0; i < 8; i++)
      if (memcmp(back + i, x + i, 4) && !(isnan(back[i]) && isnan(x[i]))) fail("widening 16 bits", bits + i);
    // The numbers themselves, and those about half-way to the next one.
    for (int nudge = -2; nudge <= 1; nudge++) {
      float near[8];
      for (int i = 0; i < 8; i++) {
        const uint16_t next = (uint16_t)(held[i] + 1);
        near[i] = nudge < -1 ? x[i] : x[i] / 2 + half_to_float(&next) / 2;
        if (nudge == -1 || nudge == 1) near[i] = nextafterf(near[i], (float)nudge * INFINITY);
      }
      uint16_t got[8];
      narrow->narrow(near, 8, got);
      for (int i = 0; i < 8; i++) check_nearest(near[i], got[i]);
    }
  }
}

static void check_bytes(const NarrowType *narrow, const float *x, int64_t dim) {
  int8_t held[DIM + 4];
  float back[DIM], scale;
  const int64_t offset = 0;
  narrow->narrow(x, dim, held);
  narrow->widen(held, &offset, 1, dim, 0, dim, back);
  memcpy(&scale, held + dim, 4);
  double most = 0;
  int finite = 1;
  for (int64_t d = 0; d < dim; d++) finite &= isfinite(x[d]) != 0, most = fmax(most, fabs((double)x[d]));
  if (!finite) {
    for (int64_t d = 0; d < dim; d++)
      if (!isnan(back[d])) fail("a vector with no number in 8 bits", d);
    return;
  }
  if (scale != (float)(most > TINY ? (float)most / 127 : 0)) fail("the scale of 8 bits", dim);
  for (int64_t d = 0; d < dim; d++) {
    if (back[d] != (float)held[d] * scale) fail("widening 8 bits", d);
    if (!(fabs(back[d] - (double)x[d]) <= most / 254 * (1 + 1e-5) + TINY)) fail("the error of 8 bits", d);
  }
}

// Any vectors at any places; what lies around them stays as it is.
static void check_bits(CacheType type, const NarrowType *narrow, const NarrowType *plain) {
  const float special[] = {NAN, INFINITY, -INFINITY, 3e38f, 1e-38f, 1e-42f, -0.0f, 1e-31f};
  const int64_t dim = 8 * (1 + any() % (DIM / 8)), count = 1 + any() % 6, size = vector_numbers(type, dim);
  const int64_t bytes = size * number_bytes(type), total = count * bytes + GUARD;
  char *one = malloc((size_t)total), *other = malloc((size_t)total);
  memset(one, 7, (size_t)total);
  memset(other, 7, (size_t)total);
  const float by = (float[]){1, 1, 1e-4f, 1e4f, 1e-30f, 0}[any() % 6];
  for (int64_t i = 0; i < count; i++) {
    float x[DIM];
    for (int64_t d = 0; d < dim; d++) x[d] = number() * by;
    if (any() % 4 == 0) x[any() % dim] = special[any() % 8];
    // Halves of the scale: ties.
    if (any() % 4 == 0)
      for (int64_t d = 0; d < dim; d++) x[d] = d ? (float)(any() % 254) / 2 : 127;
    narrow->narrow(x, dim, one + i * bytes);
    plain->narrow(x, dim, other + i * bytes);
    if (type == CACHE_BYTES) check_bytes(narrow, x, dim);
  }
  int64_t offsets[6], from = 8 * (int64_t)(any() % (uint32_t)(dim / 8));
  const int64_t end = from + 8 * (1 + (int64_t)(any() % (uint32_t)((dim - from) / 8)));
  for (int64_t i = 0; i < count; i++) offsets[i] = (int64_t)(any() % (uint32_t)count) * size;
  float wide[2][6 * DIM];
  for (int k = 0; k < 2; k++)
    for (int64_t i = 0; i < 6 * DIM; i++) wide[k][i] = 1e30f;
  // NaNs' own bits may differ; what both read of one pool must not, but for those.
  narrow->widen(other, offsets, count, dim, from, end, wide[0]);
  plain->widen(other, offsets, count, dim, from, end, wide[1]);
  for (int64_t i = 0; i < 6 * DIM; i++)
    if (memcmp(wide[0] + i, wide[1] + i, 4) && !(isnan(wide[0][i]) && isnan(wide[1][i]))) fail("widened bits", i);
  for (int64_t i = 0; i < total; i += 2) {
    if (!memcmp(one + i, other + i, 2)) continue;
    if (type == CACHE_HALVES && isnan(half_to_float(one + i)) && isnan(half_to_float(other + i))) continue;
    fail("narrowed bits", i);
  }
  for (int i = 1; i <= GUARD; i++)
    if (one[total - i] != 7) fail("beyond the last vector", i);
  free(one);
  free(other);
}

int main(int argc, char **argv) {
  const int rounds = 20 * (argc > 1 ? atoi(argv[1]) : 600);
  const Kernels *chosen = choose_kernels();
  if (!chosen) return fprintf(stderr, "FORETOKEN_KERNELS names kernels that do not run here\n"), 2;
  const AttentionKernels *kernels = attention_kernels(chosen);
  check_halves(kernels->narrow[CACHE_HALVES]);
  for (int i = 0; i < rounds; i++) {
    const CacheType type = i % 2 ? CACHE_BYTES : CACHE_HALVES;
    check_bits(type, kernels->narrow[type], plain_attention.narrow[type]);
  }
  printf("narrow %s: every 16-bit float, %d vectors, the bits of plain C\n", kernels->name, rounds);
  return 0;
}
