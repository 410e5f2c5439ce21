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

/** Undoes toFloat32 into `to[at...]`. Only for values that have that dtype already: nothing is rounded. */
export function narrow(dtype: "F16" | "BF16", from: Float32Array, to: Uint16Array, at: number): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  if (dtype === "BF16") {
    for (let i = 0; i < bits.length; i++) to[at + i] = bits[i] >>> 16;
    return;
  }
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i] >>> 16) & 0x8000;
    const exponent = ((bits[i] >>> 23) & 255) - 127;
    if (exponent >= -14) to[at + i] = sign | ((exponent + 15) << 10) | ((bits[i] >>> 13) & 1023);
    else to[at + i] = sign | (Math.abs(from[i]) * 2 ** 24);
  }
}
