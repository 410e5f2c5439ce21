import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NewTensor } from "../../formats/new-tensor.js";
import { writeSafetensors } from "../../formats/safetensors/writer.js";
import { DRAFT_TO_TARGET, draftToTarget } from "../../models/draft-vocabulary.js";
import { weightSpecs } from "../../models/eagle/weights.js";
import type { ModelConfig } from "../../types/model-config.js";
import { trainingWeights } from "../checkpoint-weights.js";
import { pathFrom } from "../loop/output-folder.js";
import type { ParameterSet } from "../parameters.js";
import type { EagleAccuracy } from "./accuracy.js";
import { headsCard } from "./heads-card.js";
import { configJson } from "./heads-config.js";
import type { Settings } from "./settings.js";

/** What heads lie in, in their folder. */
export const HEADS_FILE = "model.safetensors";

export interface TrainedHeads {
  parameters: ParameterSet;
  config: ModelConfig;
  /** The target's ids of the draft's vocabulary. */
  targetIds: Int32Array;
  /** The output product where it was not trained. */
  teacher: Float32Array;
  settings: Settings;
  accuracy: EagleAccuracy;
  before: EagleAccuracy;
  /** Tokens that the target read. */
  tokens: number;
  steps: number;
  /** The base's folder, and how its weights were held. */
  base: { directory: string; dtype: string };
}

/** Writes heads in the layout of SafeAILab/EAGLE or of speculators, with config.json and a card. The embedding stays the base's. */
export async function writeHeads(directory: string, trained: TrainedHeads): Promise<void> {
  const { settings, config, base } = trained;
  const baseName = pathFrom(directory, base.directory);
  const json = configJson(config, settings, baseName);
  await writeFile(join(directory, "config.json"), `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(join(directory, "README.md"), headsCard(trained, baseName));
  await writeSafetensors(join(directory, HEADS_FILE), tensorsOf(trained), settings.weights);
}

function tensorsOf({ parameters, config, targetIds, teacher, settings }: TrainedHeads): NewTensor[] {
  const trained = new Map(parameters.specs.map(({ name }) => [name, parameters.valuesOf(name)]));
  const layer = settings.layout === "speculators" ? "layers.0." : "midlayer.";
  const tensors: NewTensor[] = [];
  for (const { name, dims, parts } of trainingWeights(weightSpecs(config)).weights) {
    const values = trained.get(name) ?? (name === "lm_head" ? teacher : undefined);
    if (!values) continue;
    const width = dims.length === 2 ? dims[1] : 1;
    let at = 0;
    for (const { tensor, out } of parts) {
      const shape = dims.length === 2 ? [out, width] : [out];
      const part = values.subarray(at, at + out * width);
      tensors.push({ name: tensor.replace(/^midlayer\./, layer), shape, values: part });
      at += out * width;
    }
  }
  const t2d = new Uint8Array(config.vocabSize);
  for (const id of targetIds) t2d[id] = 1;
  const d2t = draftToTarget(targetIds);
  tensors.push(
    { name: DRAFT_TO_TARGET, shape: [d2t.length], values: d2t },
    { name: "t2d", shape: [t2d.length], values: t2d },
  );
  return tensors;
}
