// e^x without fused operations, which no x86 without FMA has: the same bits everywhere; within 2e-7 of the true value for x
// from -87 to 88, beyond which it stays as it is there. NaN stays NaN.
#ifndef FORETOKEN_EXPONENTIAL_H
#define FORETOKEN_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

#include "exp_terms.h"

#define EXP_HIGHEST 88.0f

static inline float exponential(float x) {
  static const float terms[EXP_TERM_COUNT] = EXP_TERMS;
  x = x < EXP_LOWEST ? EXP_LOWEST : x;
  x = x > EXP_HIGHEST ? EXP_HIGHEST : x;
  const float t = x * EXP_LOG2E + EXP_ROUND;
  const float n = t - EXP_ROUND;
  const float r = (x - n * EXP_LN2_HIGH) - n * EXP_LN2_LOW;
  float p = terms[0];
  for (int i = 1; i < EXP_TERM_COUNT; i++) p = p * r + terms[i];
  uint32_t bits;
  memcpy(&bits, &t, 4);
  // n stands in the low bits of t; the bits above them are shifted out.
  bits = (bits + 127) << 23;
  float power;
  memcpy(&power, &bits, 4);
  return p * power;
}

#endif
