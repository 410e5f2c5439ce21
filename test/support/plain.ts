import type { Dtype, GenerateOptions, GenerationResult } from "../../src/index.js";
import { model, TARGET } from "./models.js";

const known = new Map<string, Promise<GenerationResult[]>>();

/** The target's plain decoding of prompts in one batch, computed once in each test file. Functions are known by their names. */
export async function plainResults(
  dtype: Dtype,
  prompts: readonly string[],
  options: GenerateOptions,
): Promise<GenerationResult[]> {
  const key = JSON.stringify([dtype, prompts, options], (_, value) =>
    typeof value === "function" ? value.name : value,
  );
  let found = known.get(key);
  if (!found) {
    const target = await model(TARGET, dtype);
    found = target.generate([...prompts], { ...options, speculation: { method: "none" } });
    known.set(key, found);
  }
  return found;
}

/** The same of one prompt. */
export async function plainResult(dtype: Dtype, prompt: string, options: GenerateOptions): Promise<GenerationResult> {
  return (await plainResults(dtype, [prompt], options))[0];
}
