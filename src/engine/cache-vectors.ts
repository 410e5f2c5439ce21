import { toFloat32 } from "../formats/half-floats.js";
import type { CacheDtype } from "../types/model-config.js";

/** The numbers of a pool's array, by the type that holds them. */
export type CacheArray = Float32Array | Uint16Array | Int8Array;

/** @throws RangeError when there is no memory */
export function newCacheArray(dtype: CacheDtype, length: number): CacheArray {
  if (dtype === "fp16") return new Uint16Array(length);
  return dtype === "q8" ? new Int8Array(length) : new Float32Array(length);
}

/** Stored vectors as floats, as a pass reads them. @param into [vectors, dim] */
export function widen(stored: CacheArray, dim: number, into: Float32Array): void {
  if (stored instanceof Float32Array) into.set(stored);
  else if (stored instanceof Uint16Array) {
    toFloat32("F16", new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), into);
  } else widenBytes(stored, dim, into);
}

function widenBytes(stored: Int8Array, dim: number, into: Float32Array): void {
  const bytes = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  for (let from = 0, to = 0; to < into.length; from += dim + 4, to += dim) {
    const scale = bytes.getFloat32(from + dim, true);
    for (let d = 0; d < dim; d++) into[to + d] = stored[from + d] * scale;
  }
}
