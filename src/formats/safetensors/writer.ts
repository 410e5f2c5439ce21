import { writeFully } from "../../files/write-fully.js";
import { writeWhole } from "../../files/write-whole.js";
import { BYTES_PER_ELEMENT } from "../half-floats.js";
import { encoded, type NewTensor } from "../new-tensor.js";
import { elementCount, type TensorDtype } from "../tensor-source.js";

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
  await writeWhole(path, async (file) => {
    await writeFully(file, Buffer.concat([length, json]), 0);
    let position = length.length + json.length;
    for (const { values } of tensors) {
      const bytes = encoded(values, dtype);
      await writeFully(file, bytes, position);
      position += bytes.byteLength;
    }
  });
}

/** A tensor's dtype in the file, and bytes of an element. */
function storedAs(values: NewTensor["values"], dtype: TensorDtype): [dtype: string, bytes: number] {
  if (values instanceof BigInt64Array) return ["I64", 8];
  return values instanceof Uint8Array ? ["BOOL", 1] : [dtype, BYTES_PER_ELEMENT[dtype]];
}
