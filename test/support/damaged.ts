import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AutoModelForCausalLM, type Dtype, type LanguageModel } from "../../src/index.js";
import { temporaryFolder } from "./models.js";

/** bf16 3.39e38, the largest number but one: finite, but no sum with it is. */
const HUGE = 0x7f7f;

/** A checkpoint of the repository with one weight that makes every result overflow. */
export async function damagedModel(directory: string, tensor: string, dtype: Dtype): Promise<LanguageModel> {
  const copy = join(temporaryFolder(), "damaged");
  cpSync(directory, copy, { recursive: true });
  const path = join(copy, "model.safetensors");
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const { dtype: stored, data_offsets: offsets, shape } = header[tensor];
  const elements = shape.reduce((product: number, dim: number) => product * dim, 1);
  if (stored !== "BF16") throw new Error(`${tensor} is stored as ${stored}`);
  bytes.writeUInt16LE(HUGE, 8 + length + offsets[0] + 2 * (1000 % elements));
  writeFileSync(path, bytes);
  return AutoModelForCausalLM.fromPretrained(copy, { dtype });
}
