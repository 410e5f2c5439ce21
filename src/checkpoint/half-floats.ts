import type { TensorDtype } from "./tensor-source.js";

export const BYTES_PER_ELEMENT: Readonly<Record<TensorDtype, number>> = { F32: 4, F16: 2, BF16: 2 };

let halfTable: Float32Array | undefined;

/** Widens little-endian elements to 32-bit floats; exact for every value, denormals, infinities and NaN included. */
export function toFloat32(dtype: TensorDtype, bytes: Uint8Array, into: Float32Array): void {
  const view = aligned(bytes);
  if (dtype === "F32") {
    into.set(new Float32Array(view.buffer, view.byteOffset, view.byteLength / 4));
    return;
  }
  const halves = new Uint16Array(view.buffer, view.byteOffset, view.byteLength / 2);
  if (dtype === "BF16") {
    const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
    return;
  }
  halfTable ??= Float32Array.from({ length: 65_536 }, (_, i) => halfToFloat(i));
  for (let i = 0; i < halves.length; i++) into[i] = halfTable[halves[i]];
}

function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
}

function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
