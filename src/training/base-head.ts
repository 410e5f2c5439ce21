import type { LanguageModel } from "../api/language-model.js";
import { baseWeights } from "./base-weights.js";

/** The base's output product [vocabSize, hiddenSize], as its checkpoint has it. @throws UsageError without a folder */
export async function baseLmHead(base: LanguageModel): Promise<Float32Array> {
  return (await baseWeights(base, ["lm_head"])).get("lm_head")!;
}
