import type { TensorDtype } from "./tensor-source.js";

export const BYTES_PER_ELEMENT: Readonly<Record<TensorDtype, number>> = { F32: 4, F16: 2, BF16: 2 };

let halfTable: Float32Array | undefined;

/**
 * Widens little-endian elements to 32-bit floats at the start of `into`; exact for every value, denormals, infinities
 * and NaN included.
 */
export function toFloat32(dtype: TensorDtype, bytes: Uint8Array, into: Float32Array): void {
  const view = bytes.byteOffset % BYTES_PER_ELEMENT[dtype] === 0 ? bytes : bytes.slice();
  if (dtype === "F32") {
    into.set(new Float32Array(view.buffer, view.byteOffset, view.byteLength / 4));
    return;
  }
  const halves = new Uint16Array(view.buffer, view.byteOffset, view.byteLength / 2);
  if (dtype === "BF16") {
    const bits = new Uint32Array(into.buffer, into.byteOffset, halves.length);
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
    return;
  }
  halfTable ??= Float32Array.from({ length: 65_536 }, (_, i) => halfToFloat(i));
  for (let i = 0; i < halves.length; i++) into[i] = halfTable[halves[i]];
}

function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** Narrows to `to[at...]`: BF16 only for values that are so already, F16 rounded to nearest (largest beyond its range). */
export function narrow(dtype: "F16" | "BF16", from: Float32Array, to: Uint16Array, at: number): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  if (dtype === "BF16") {
    for (let i = 0; i < bits.length; i++) to[at + i] = bits[i] >>> 16;
    return;
  }
  for (let i = 0; i < bits.length; i++) to[at + i] = ((bits[i] >>> 16) & 0x8000) | halfBits(Math.abs(from[i]), bits[i]);
}

/** Narrows to bfloat16, rounded to nearest; ties go to even, NaN stays NaN. */
export function roundToBfloat(from: Float32Array, to: Uint16Array): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  for (let i = 0; i < bits.length; i++) {
    const rounded = (bits[i] + 0x7fff + ((bits[i] >>> 16) & 1)) >>> 16;
    to[i] = Number.isNaN(from[i]) ? 0x7fc0 : rounded;
  }
}

/** Half-precision bits of a magnitude, whose single-precision bits (sign apart) are `bits`. Ties go to even. */
function halfBits(magnitude: number, bits: number): number {
  if (magnitude > 65_504) return 0x7bff;
  // Denormals are multiples of 2^-24. One that rounds up to 1024 of them is the smallest normal number.
  if (magnitude < 2 ** -14) return Math.round(magnitude * 2 ** 24);
  const rebased = (bits & 0x7fff_ffff) - (112 << 23);
  return (rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13;
}
