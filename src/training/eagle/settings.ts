import type { LanguageModel } from "../../api/language-model.js";
import { UsageError } from "../../types/errors.js";
import { text } from "../../types/option-kinds.js";
import { checkOptions } from "../../types/option-table.js";
import { checkBatching } from "../batching.js";
import { checkDraftVocabulary } from "../draft-vocabulary.js";
import { LOOP_DEFAULTS, MUON_RATE } from "../loop/loop-options.js";
import { trainedLayers } from "./draft-config.js";
import { TRAIN_EAGLE_OPTIONS, type TrainEagleOptions } from "./options.js";

type WithoutDefault = "maxSteps" | "warmupSteps" | "maxTokens" | "onProgress" | "signal";

/** The options with every default filled in. */
export type Settings = Required<Omit<TrainEagleOptions, WithoutDefault>> & Pick<TrainEagleOptions, WithoutDefault>;

type Base = Pick<LanguageModel, "config" | "contextLength" | "vocabLimit">;

/** @throws UsageError for options that are wrong, alone or together */
export function eagleSettings(given: TrainEagleOptions, base: Base): Settings {
  const table = { ...TRAIN_EAGLE_OPTIONS, output: text() };
  const { output, ...options } = checkOptions<TrainEagleOptions>(table, given, { of: "trainEagle" });
  if (!output) throw new UsageError("trainEagle needs an output: the folder that the heads are written to");
  const { sequenceLength = Math.min(base.contextLength - 1, DEFAULT_LENGTH) } = options;
  const { batchSize = DEFAULT_SEQUENCES * sequenceLength } = options;
  const settings: Settings = {
    ...DEFAULTS,
    learningRate: options.optimiser === "muon" ? MUON_RATE : DEFAULTS.learningRate,
    draftVocabulary: Math.min(base.vocabLimit, DEFAULT_VOCABULARY),
    targetLayers: trainedLayers(base.config.numLayers),
    microBatchSize: Math.min(DEFAULT_AT_ONCE * sequenceLength, batchSize),
    output,
    ...options,
    ...{ sequenceLength, batchSize },
  };
  checkSettings(settings, base);
  return settings;
}

function checkSettings(settings: Settings, { config, contextLength, vocabLimit }: Base): void {
  const { steps, sequenceLength, targetLayers, draftVocabulary } = settings;
  checkBatching(settings, contextLength - 1, { size: sequenceLength, name: `sequenceLength (${sequenceLength})` });
  if (sequenceLength <= steps) {
    throw new UsageError(`sequenceLength is ${sequenceLength}, too short to draft ${steps} tokens (steps) in`);
  }
  if (targetLayers.length !== 3 || targetLayers.some((layers) => layers > config.numLayers)) {
    throw new UsageError(
      `targetLayers must be three numbers of layers, each at most ${config.numLayers}, got [${targetLayers}]`,
    );
  }
  checkDraftVocabulary(draftVocabulary, vocabLimit);
}

/** Attention by parts holds a square of it for each head. */
const DEFAULT_LENGTH = 256;
const DEFAULT_SEQUENCES = 4;
const DEFAULT_AT_ONCE = 2;
const DEFAULT_VOCABULARY = 8192;

const DEFAULTS = {
  ...LOOP_DEFAULTS,
  steps: 4,
  stepDecay: 0.8,
  loss: "kl",
  trainHead: false,
  learningRate: 1e-3,
  optimiser: "adamw",
  weights: "BF16",
  layout: "eagle",
} as const;
