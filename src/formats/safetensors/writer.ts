import { type NewTensor, storedAs } from "../new-tensor.js";
import type { TensorDtype } from "../tensor-source.js";
import { SafetensorsWriter } from "./stream-writer.js";

/** Writes tensors, floats by default in 16 bits, to a .safetensors file, which appears whole or not at all. */
export async function writeSafetensors(
  path: string,
  tensors: readonly NewTensor[],
  dtype: TensorDtype = "F16",
): Promise<void> {
  const heads = tensors.map(({ name, shape, values }) => ({ name, shape, dtype: storedAs(values, dtype) }));
  const writer = await SafetensorsWriter.create(path, heads);
  for (const { name, values } of tensors) await writer.write(name, values);
  await writer.finish();
}
