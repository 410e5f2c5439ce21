import { narrow, roundToBfloat } from "./half-floats.js";
import type { TensorDtype } from "./tensor-source.js";

/** A tensor that is written to a file. */
export interface NewTensor {
  name: string;
  shape: readonly number[];
  /** Floats, 64-bit integers, or bytes that are truth values. */
  values: Float32Array | BigInt64Array | Uint8Array;
}

/** The bytes of a tensor's values, floats as `dtype`. */
export function encoded(values: NewTensor["values"], dtype: TensorDtype): Uint8Array {
  if (!(values instanceof Float32Array) || dtype === "F32")
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = new Uint16Array(values.length);
  if (dtype === "BF16") roundToBfloat(values, halves);
  else narrow("F16", values, halves, 0);
  return new Uint8Array(halves.buffer);
}
