// Vectors in fewer bits, for 64-bit ARM.
#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#include "narrow.h"

static void narrow_halves(const float *x, int64_t dim, void *to) {
  uint16_t *halves = to;
  for (int64_t d = 0; d < dim; d += 4)
    vst1_u16(halves + d, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + d))));
}

static void widen_halves(const void *base, const int64_t *offsets, int64_t count, int64_t dim, int64_t from,
                         int64_t end, float *to) {
  for (int64_t i = 0; i < count; i++, to += dim) {
    const uint16_t *halves = (const uint16_t *)base + offsets[i];
    for (int64_t d = from; d < end; d += 4)
      vst1q_f32(to + d, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves + d))));
  }
}

static void narrow_bytes(const float *x, int64_t dim, void *to) {
  int8_t *q = to;
  uint32x4_t most = vdupq_n_u32(0);
  for (int64_t d = 0; d < dim; d += 4)
    most = vmaxq_u32(most, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + d)), vdupq_n_u32(0x7fffffff)));
  const uint32_t largest = vmaxvq_u32(most);
  float inverse;
  const float scale = byte_scale(largest, &inverse);
  if (inverse == 0) {
    memset(q, 0, (size_t)dim);
  } else {
    for (int64_t d = 0; d < dim; d += 8) {
      const int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + d), inverse));
      const int32x4_t high = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + d + 4), inverse));
      vst1_s8(q + d, vqmovn_s16(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high))));
    }
  }
  memcpy(q + dim, &scale, 4);
}

static void widen_bytes(const void *base, const int64_t *offsets, int64_t count, int64_t dim, int64_t from,
                        int64_t end, float *to) {
  for (int64_t i = 0; i < count; i++, to += dim) {
    const int8_t *q = (const int8_t *)base + offsets[i];
    float scale;
    memcpy(&scale, q + dim, 4);
    for (int64_t d = from; d < end; d += 8) {
      const int16x8_t whole = vmovl_s8(vld1_s8(q + d));
      vst1q_f32(to + d, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(whole))), scale));
      vst1q_f32(to + d + 4, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_high_s16(whole))), scale));
    }
  }
}

const NarrowType neon_halves = {narrow_halves, widen_halves};
const NarrowType neon_bytes = {narrow_bytes, widen_bytes};
#endif
