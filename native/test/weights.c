// The weights of scores: the exponential over its range, infinities and NaN; the kernels of this CPU against the plain ones,
// bit for bit.
#include "attention_cases.h"

// exp over its range, as weights of pairs of scores.
static void check_exp(const AttentionKernels *kernels) {
  const Pass none = {0};
  double worst = 0;
  for (int64_t i = 0; i < 300000; i++) {
    const float x = -90 * (float)i / 300000;
    float scores[2] = {0, x}, plain[2] = {0, x};
    const float sum = kernels->weigh(scores, 2, scores);
    if (plain_attention.weigh(plain, 2, plain) != sum || memcmp(scores, plain, sizeof scores))
      fail("exp", kernels, &none);
    if (x < -87 && scores[1] != 0) fail("exp of little", kernels, &none);
    if (x >= -87) worst = fmax(worst, fabs(scores[1] / exp(x) - 1));
  }
  if (!(worst <= 3e-7)) fail("exp's error", kernels, &none);
  printf("exp: relative error %.2g\n", worst);
}

// Scores of nothing but infinities and NaN.
static void check_weights(const AttentionKernels *kernels) {
  const Pass none = {0};
  for (int i = 0; i < 10000; i++) {
    float scores[40], plain[40];
    const int64_t count = 1 + below(40);
    const float choices[] = {NAN, INFINITY, -INFINITY, number(), 3e38f, -3e38f};
    const int64_t kinds = 1 + below(6), first = below(6);
    for (int64_t j = 0; j < count; j++) scores[j] = plain[j] = choices[(first + below(kinds)) % 6];
    int expect_nan = 0, finite = 0;
    for (int64_t j = 0; j < count; j++) {
      expect_nan |= isnan(scores[j]) || scores[j] == INFINITY;
      finite |= isfinite(scores[j]);
    }
    const float sum = kernels->weigh(scores, count, scores), other = plain_attention.weigh(plain, count, plain);
    if (!same(&sum, &other, 1) || !same(scores, plain, count)) fail("weights", kernels, &none);
    if (isnan(sum) != (expect_nan || !finite)) fail("NaN of weights", kernels, &none);
  }
}

int main(void) {
  const Kernels *chosen = choose_kernels();
  if (!chosen) return fprintf(stderr, "FORETOKEN_KERNELS names kernels that do not run here\n"), 2;
  const AttentionKernels *kernels = attention_kernels(chosen);
  check_exp(kernels);
  check_weights(kernels);
  printf("weights %s: the bits of plain C\n", kernels->name);
  return 0;
}
