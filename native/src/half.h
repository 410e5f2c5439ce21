// 16-bit floats in plain C.
#ifndef FORETOKEN_HALF_H
#define FORETOKEN_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float half_to_float(const void *at) {
  uint16_t bits;
  memcpy(&bits, at, 2);
  const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 31;
  const uint32_t mantissa = bits & 1023;
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * ldexpf((float)mantissa, -24);
  const uint32_t wide = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | mantissa << 13;
  float value;
  memcpy(&value, &wide, 4);
  return value;
}

// To the nearest, half to even; from 65520 on infinity; NaN stays NaN.
static inline uint16_t float_to_half(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
  if (magnitude >= 0x47800000) return (uint16_t)(sign | 0x7c00);
  // Below 2^-14 they are multiples of 2^-24. One that rounds up to 1024 of them is the smallest normal number.
  if (magnitude < 0x38800000) return (uint16_t)(sign | (uint32_t)lrintf(fabsf(x) * 16777216));
  const uint32_t rebased = magnitude - (112u << 23);
  return (uint16_t)(sign | (rebased + 0xfff + (rebased >> 13 & 1)) >> 13);
}

#endif
