import { UsageError } from "../../types/errors.js";
import { text } from "../../types/option-kinds.js";
import { checkOptions } from "../../types/option-table.js";
import { LOOP_DEFAULTS, MUON_RATE } from "../loop/loop-options.js";
import { TRAIN_MEDUSA_OPTIONS, type TrainMedusaOptions } from "./options.js";
import { ROWS_OF_BLOCK } from "./row-cache.js";

type WithoutDefault = "maxSteps" | "warmupSteps" | "maxTokens" | "onProgress" | "signal";

/** The options with every default filled in. */
export type Settings = Required<Omit<TrainMedusaOptions, WithoutDefault>> & Pick<TrainMedusaOptions, WithoutDefault>;

/** @throws UsageError for options that are wrong, alone or together */
export function medusaSettings(given: TrainMedusaOptions, contextLength: number): Settings {
  const table = { ...TRAIN_MEDUSA_OPTIONS, output: text() };
  const { output, ...options } = checkOptions<TrainMedusaOptions>(table, given, { of: "trainMedusa" });
  if (!output) throw new UsageError("trainMedusa needs an output: the folder that the heads are written to");
  const learningRate = options.optimiser === "muon" ? MUON_RATE : DEFAULTS.learningRate;
  const sequenceLength = Math.min(contextLength, DEFAULT_LENGTH);
  const settings: Settings = { ...DEFAULTS, learningRate, sequenceLength, output, ...options };
  checkSettings(settings, contextLength);
  settings.microBatchSize = Math.min(settings.microBatchSize, settings.batchSize);
  return settings;
}

function checkSettings(settings: Settings, contextLength: number): void {
  const { layers, sharedHead, batchSize, microBatchSize, sequenceLength } = settings;
  if (sharedHead && layers === 0) {
    throw new UsageError(
      "heads without ResBlocks that share the base's output product have nothing to train: set layers",
    );
  }
  if (sequenceLength > contextLength) {
    throw new UsageError(`sequenceLength is ${sequenceLength}, the base's context ${contextLength}: make it shorter`);
  }
  for (const name of ["batchSize", "microBatchSize"] as const) {
    if (settings[name] % ROWS_OF_BLOCK === 0) continue;
    throw new UsageError(`${name} must be a multiple of ${ROWS_OF_BLOCK}, got ${settings[name]}`);
  }
  if (microBatchSize < batchSize && batchSize % microBatchSize !== 0) {
    throw new UsageError(`batchSize must be a multiple of microBatchSize (${microBatchSize}), got ${batchSize}`);
  }
}

/** Long enough that few tokens have little before them. */
const DEFAULT_LENGTH = 512;

const DEFAULTS = {
  ...LOOP_DEFAULTS,
  heads: 4,
  layers: 1,
  sharedHead: false,
  learningRate: 1e-3,
  optimiser: "adamw",
  headDecay: 0.8,
  batchSize: 1024,
  microBatchSize: 512,
  weights: "F16",
  layout: "original",
} as const;
