import { join } from "node:path";
import type { LanguageModel } from "../api/language-model.js";
import { cacheDirectory } from "../conversion/cache-directory.js";
import { architectureOf } from "../models/architectures.js";
import { openCheckpoint } from "../models/checkpoint/checkpoint.js";
import { UsageError } from "../types/errors.js";
import { readWeight, trainingWeights } from "./checkpoint-weights.js";

/**
 * Weights of the base, as its checkpoint has them, by the names of its `weightSpecs`; those it has not are left out.
 * @throws UsageError where the base was not loaded from a folder
 */
export async function baseWeights(base: LanguageModel, names: readonly string[]): Promise<Map<string, Float32Array>> {
  if (!base.directory) throw new UsageError("heads start from weights of the base: load the base from its folder");
  const { source, config } = await openCheckpoint(base.directory, join(cacheDirectory(), "digests"));
  try {
    const { weights, aliases } = trainingWeights(architectureOf(config).weightSpecs(config));
    const read = new Map<string, Float32Array>();
    for (const name of names) {
      const own = aliases.get(name) ?? name;
      const weight = weights.find((known) => known.name === own);
      if (!weight) continue;
      const values = new Float32Array(weight.dims.reduce((product, dim) => product * dim, 1));
      await readWeight(source, weight, values);
      read.set(name, values);
    }
    return read;
  } finally {
    await source.close();
  }
}
