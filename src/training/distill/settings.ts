import type { LanguageModel } from "../../api/language-model.js";
import { UsageError } from "../../types/errors.js";
import { text } from "../../types/option-kinds.js";
import { checkOptions } from "../../types/option-table.js";
import { checkBatching } from "../batching.js";
import { checkDraftVocabulary } from "../draft-vocabulary.js";
import { LOOP_DEFAULTS, MUON_RATE } from "../loop/loop-options.js";
import { DISTILL_DRAFT_OPTIONS, type DistillDraftOptions } from "./options.js";

type Shape =
  | "layers"
  | "keepLayers"
  | "hiddenSize"
  | "intermediateSize"
  | "numHeads"
  | "numKvHeads"
  | "draftVocabulary";
type WithoutDefault = "maxSteps" | "warmupSteps" | "maxTokens" | "onProgress" | "signal" | Shape;

/** The options with every default filled in; those of the draft's shape depend on the target (student-shape.ts). */
export type DistillSettings = Required<Omit<DistillDraftOptions, WithoutDefault>> &
  Pick<DistillDraftOptions, WithoutDefault>;

type Target = Pick<LanguageModel, "contextLength" | "vocabLimit">;

/** @throws UsageError for options that are wrong, alone or together */
export function distillSettings(given: DistillDraftOptions, target: Target): DistillSettings {
  const table = { ...DISTILL_DRAFT_OPTIONS, output: text() };
  const { output, ...options } = checkOptions<DistillDraftOptions>(table, given, { of: "distillDraft" });
  if (!output) throw new UsageError("distillDraft needs an output: the folder that the draft is written to");
  const learningRate = options.optimiser === "muon" ? MUON_RATE : DEFAULTS.learningRate;
  const sequenceLength = Math.min(target.contextLength, DEFAULT_LENGTH);
  const settings: DistillSettings = { ...DEFAULTS, learningRate, sequenceLength, output, ...options };
  settings.microBatchSize = Math.min(settings.microBatchSize, settings.batchSize);
  checkSettings(settings, target);
  return settings;
}

function checkSettings(settings: DistillSettings, { contextLength, vocabLimit }: Target): void {
  const { fromScratch, keepLayers, draftVocabulary } = settings;
  checkBatching(settings, contextLength);
  checkDraftVocabulary(draftVocabulary, vocabLimit);
  if (fromScratch && keepLayers) {
    throw new UsageError(
      "keepLayers names layers of the target, a draft from scratch has none of them: give one of both",
    );
  }
  const width = (["hiddenSize", "intermediateSize", "numHeads", "numKvHeads"] as const).find((name) => settings[name]);
  if (width && !fromScratch) {
    throw new UsageError(`${width} is for a draft from scratch, layers of the target have its widths: set fromScratch`);
  }
}

/** Longer ones take memory and time of attention; a draft is asked of what comes next. */
const DEFAULT_LENGTH = 256;

const DEFAULTS = {
  ...LOOP_DEFAULTS,
  fromScratch: false,
  loss: "kl",
  textWeight: 0,
  learningRate: 1e-3,
  optimiser: "adamw",
  batchSize: 8,
  microBatchSize: 4,
  weights: "BF16",
} as const;
