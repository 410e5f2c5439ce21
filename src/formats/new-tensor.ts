import { narrow, roundToBfloat } from "./half-floats.js";
import type { TensorDtype } from "./tensor-source.js";

/** Floats, 64-bit integers, or bytes that are truth values. */
export type TensorValues = Float32Array | BigInt64Array | Uint8Array;

/** A tensor that is written to a file. */
export interface NewTensor {
  name: string;
  shape: readonly number[];
  values: TensorValues;
}

/** How a tensor's elements lie in a file. */
export type StoredDtype = TensorDtype | "I64" | "BOOL";

/** How values are stored, floats as `dtype`. */
export function storedAs(values: TensorValues, dtype: TensorDtype): StoredDtype {
  if (values instanceof BigInt64Array) return "I64";
  return values instanceof Uint8Array ? "BOOL" : dtype;
}

/** The bytes of a tensor's values, floats as `dtype`. */
export function encoded(values: TensorValues, dtype: StoredDtype): Uint8Array {
  if (!(values instanceof Float32Array) || dtype === "F32")
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = new Uint16Array(values.length);
  if (dtype === "BF16") roundToBfloat(values, halves);
  else narrow("F16", values, halves, 0);
  return new Uint8Array(halves.buffer);
}
