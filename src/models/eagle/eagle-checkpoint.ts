import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "../../files/json.js";
import { assertPath } from "../../files/no-directory.js";
import type { TensorSource } from "../../formats/tensor-source.js";
import { hasWeights, openWeights } from "../../formats/weight-files.js";
import { CheckpointError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";
import { readTargetIds } from "../draft-vocabulary.js";
import { type EagleConfig, isEagleConfig, parseEagleConfig } from "./eagle-config.js";
import { eagleNames, hasEagleNames, withEagleNames } from "./eagle-names.js";

export interface EagleCheckpoint {
  directory: string;
  config: EagleConfig;
  /** The tensors, named as in SafeAILab/EAGLE. */
  source: TensorSource;
  /** Whether they have an embedding of their own; else the target's is theirs. */
  ownEmbedding: boolean;
  /** The target's id of each token of the draft's vocabulary; absent: they are the same. */
  targetIds?: Int32Array;
}

/**
 * Opens a folder of EAGLE-3 heads: config.json, and model.safetensors or pytorch_model.bin, as SafeAILab/EAGLE, SpecForge
 * or speculators write them. Reads names, shapes and the vocabulary's map only.
 * @throws CheckpointError naming file and tensor
 */
export async function openEagleCheckpoint(directory: string): Promise<EagleCheckpoint> {
  assertPath(directory, "loading EAGLE heads");
  const at = escaped(directory);
  const info = await stat(directory).catch(() => undefined);
  const files = info?.isDirectory() ? await readdir(directory) : [];
  if (!files.includes("config.json") || !hasWeights(files)) {
    throw new CheckpointError(
      `no EAGLE heads at ${at}: give a folder with config.json and model.safetensors or pytorch_model.bin`,
    );
  }
  const configPath = join(directory, "config.json");
  const json = await readJson(configPath);
  const weights = await openWeights(directory, files, [configPath]);
  try {
    if (!isEagleConfig(json) && !hasEagleNames(weights.names())) {
      throw new CheckpointError(`${escaped(configPath)} is not of EAGLE heads: it has no draft_vocab_size`);
    }
    const source = withEagleNames(weights, eagleNames(weights.names(), at));
    const config = parseEagleConfig(json, configPath);
    const targetIds = await readTargetIds(source, config, at);
    const ownEmbedding = source.info("embed_tokens.weight") !== undefined;
    return { directory, config, source, ownEmbedding, ...(targetIds && { targetIds }) };
  } catch (error) {
    await weights.close();
    throw error;
  }
}
