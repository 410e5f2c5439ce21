import { open, rename, rm } from "node:fs/promises";
import { writeFully } from "../../files/write-fully.js";
import { ForetokenError } from "../../types/errors.js";
import { BYTES_PER_ELEMENT, narrow, roundToBfloat } from "../half-floats.js";
import { elementCount, type TensorDtype } from "../tensor-source.js";

export interface NewTensor {
  name: string;
  shape: readonly number[];
  /** Floats, 64-bit integers, or bytes that are truth values. */
  values: Float32Array | BigInt64Array | Uint8Array;
}

/** Writes tensors, floats by default in 16 bits, to a .safetensors file, which appears whole or not at all. */
export async function writeSafetensors(
  path: string,
  tensors: readonly NewTensor[],
  dtype: TensorDtype = "F16",
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let at = 0;
  for (const { name, shape, values } of tensors) {
    const [type, size] = storedAs(values, dtype);
    const end = at + size * elementCount(shape);
    header[name] = { dtype: type, shape, data_offsets: [at, end] };
    at = end;
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    const file = await open(temporary, "w");
    try {
      await writeFully(file, Buffer.concat([length, json]), 0);
      let position = length.length + json.length;
      for (const { values } of tensors) {
        const bytes = encoded(values, dtype);
        await writeFully(file, bytes, position);
        position += bytes.byteLength;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    throw new ForetokenError(`${path} cannot be written (${code}): free some space or choose another place`);
  }
}

/** A tensor's dtype in the file, and bytes of an element. */
function storedAs(values: NewTensor["values"], dtype: TensorDtype): [dtype: string, bytes: number] {
  if (values instanceof BigInt64Array) return ["I64", 8];
  return values instanceof Uint8Array ? ["BOOL", 1] : [dtype, BYTES_PER_ELEMENT[dtype]];
}

function encoded(values: NewTensor["values"], dtype: TensorDtype): Uint8Array {
  if (!(values instanceof Float32Array) || dtype === "F32")
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = new Uint16Array(values.length);
  if (dtype === "BF16") roundToBfloat(values, halves);
  else narrow("F16", values, halves, 0);
  return new Uint8Array(halves.buffer);
}
