import { join } from "node:path";
import type { LanguageModel } from "../api/language-model.js";
import { cacheDirectory } from "../conversion/cache-directory.js";
import { architectureOf } from "../models/architectures.js";
import { openCheckpoint } from "../models/checkpoint/checkpoint.js";
import { UsageError } from "../types/errors.js";
import { readWeight, trainingWeights } from "./checkpoint-weights.js";

/** The base's output product [vocabSize, hiddenSize], as its checkpoint has it. @throws UsageError without a folder */
export async function baseLmHead(base: LanguageModel): Promise<Float32Array> {
  if (!base.directory)
    throw new UsageError("heads start from the base's output product: load the base from its folder");
  const { source, config } = await openCheckpoint(base.directory, join(cacheDirectory(), "digests"));
  try {
    const { weights, aliases } = trainingWeights(architectureOf(config).weightSpecs(config));
    const name = aliases.get("lm_head") ?? "lm_head";
    const lmHead = new Float32Array(config.vocabSize * config.hiddenSize);
    await readWeight(source, weights.find((weight) => weight.name === name)!, lmHead);
    return lmHead;
  } finally {
    await source.close();
  }
}
