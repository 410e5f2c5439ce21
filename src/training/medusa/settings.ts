import { UsageError } from "../../types/errors.js";
import { text } from "../../types/option-kinds.js";
import { checkOptions } from "../../types/option-table.js";
import { checkBatching } from "../batching.js";
import { LOOP_DEFAULTS, MUON_RATE } from "../loop/loop-options.js";
import { TRAIN_MEDUSA_OPTIONS, type TrainMedusaOptions } from "./options.js";
import { ROWS_OF_BLOCK } from "./row-cache.js";

type WithoutDefault = "maxSteps" | "warmupSteps" | "maxTokens" | "draftVocabulary" | "onProgress" | "signal";

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
  settings.microBatchSize = Math.min(settings.microBatchSize, settings.batchSize);
  checkSettings(settings, contextLength);
  return settings;
}

function checkSettings(settings: Settings, contextLength: number): void {
  if (settings.sharedHead && settings.layers === 0) {
    throw new UsageError(
      "heads without ResBlocks that share the base's output product have nothing to train: set layers",
    );
  }
  if (settings.draftVocabulary !== undefined && settings.layout === "tensorrt-llm") {
    throw new UsageError("TensorRT-LLM's heads name all tokens: leave out draftVocabulary, or take another layout");
  }
  checkBatching(settings, contextLength, { size: ROWS_OF_BLOCK });
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
