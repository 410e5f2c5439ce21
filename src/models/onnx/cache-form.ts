import type { CacheDtype, ModelConfig } from "../../types/model-config.js";

/** How the pages of a pool hold keys and values: native/src/narrow.h says what the numbers mean. */
export interface CacheForm {
  /** Of the tensors. Bits of 16-bit floats are told as u16: around f16 ONNX Runtime may put casts, and what is written would be lost. */
  type: "f32" | "u16" | "i8";
  /** Bytes of a number. */
  bytes: number;
  /** Numbers of a stored vector beyond its channels. */
  extra: number;
}

const FORMS: Readonly<Record<CacheDtype, CacheForm>> = {
  fp32: { type: "f32", bytes: 4, extra: 0 },
  fp16: { type: "u16", bytes: 2, extra: 0 },
  // The scale, a 32-bit float.
  q8: { type: "i8", bytes: 1, extra: 4 },
};

export function cacheForm(dtype: CacheDtype): CacheForm {
  return FORMS[dtype];
}

/** Bytes that the keys and values of one token take. */
export function cacheBytesPerToken({ numLayers, numKvHeads, headDim }: ModelConfig, dtype: CacheDtype): number {
  const { bytes, extra } = cacheForm(dtype);
  return 2 * numLayers * numKvHeads * (headDim + extra) * bytes;
}
