import { boolean, callback, choice, integer, listOf, number } from "../../types/option-kinds.js";
import type { OptionTable } from "../../types/option-table.js";
import { LOOP_OPTIONS, type LoopOptions, type LoopProgress } from "../loop/loop-options.js";
import { WEIGHT_TYPES } from "../weight-types.js";
import type { DraftAgreement } from "./agreement.js";

/** What of the draft's distribution q is brought near the target's p. */
export const DISTILLATION_LOSSES = ["kl", "reverse-kl", "tv", "lk"] as const;
export type DistillationLoss = (typeof DISTILLATION_LOSSES)[number];

export interface DistillDraftOptions extends LoopOptions {
  /** The draft's layers. Default 2, or as many as keepLayers names. */
  layers?: number;
  /** The target's layers that the draft begins as, counted from 0. Default: the first, the last, and others at even distances. */
  keepLayers?: readonly number[];
  /** Begin with random weights of a width of its own instead of layers of the target. Default false. */
  fromScratch?: boolean;
  /** Width of a draft from scratch, a multiple of numHeads. Default: half of the target's. */
  hiddenSize?: number;
  /** Width of its MLP. Default: 8/3 of hiddenSize, rounded up to a multiple of 32. */
  intermediateSize?: number;
  /** Its attention heads. Default: as many as give the target's headDim. */
  numHeads?: number;
  /** Its key and value heads, a divisor of numHeads. Default: numHeads. */
  numKvHeads?: number;
  /**
   * The output product is over so many tokens, the data's most frequent ones, and the others are never drafted. A smaller
   * product is less work in each pass of the draft. At least 16. Default: the target's whole vocabulary.
   */
  draftVocabulary?: number;
  /**
   * "kl": KL(p || q). "reverse-kl": KL(q || p). "tv": total variation, 1 - acceptance. "lk": -log of the acceptance (Samarin et al.
   * 2026). Default "kl".
   */
  loss?: DistillationLoss;
  /** The cross-entropy of the text counts so much beside the loss. Default 0. */
  textWeight?: number;
  /** Default 0.001; with Muon 0.01. */
  learningRate?: number;
  /** Default "adamw". Muon takes the layers' matrices; the others go by AdamW at learningRate / 10. */
  optimiser?: "adamw" | "muon";
  /** Sequences of a step. Default 8. */
  batchSize?: number;
  /** Sequences that are computed at once; a step adds up several such parts. Less takes less memory. Default 4. */
  microBatchSize?: number;
  /** Tokens of a sequence. Short pieces of text are packed into one and do not see each other. Default: the context, at most 256. */
  sequenceLength?: number;
  /** How weights are written. Default "BF16". */
  weights?: (typeof WEIGHT_TYPES)[number];
  onProgress?: (progress: DistillProgress) => void;
}

/** What is going on. */
export type DistillProgress = { stage: "reading"; tokens: number } | LoopProgress<DraftAgreement>;

export const DISTILL_DRAFT_OPTIONS: OptionTable<Omit<DistillDraftOptions, "output">> = {
  ...LOOP_OPTIONS,
  layers: integer(1, 1000),
  keepLayers: listOf(integer(0), "layers of the target, counted from 0"),
  fromScratch: boolean(),
  hiddenSize: integer(16),
  intermediateSize: integer(1),
  numHeads: integer(1),
  numKvHeads: integer(1),
  draftVocabulary: integer(16),
  loss: choice(DISTILLATION_LOSSES),
  textWeight: number(">= 0"),
  learningRate: number("> 0"),
  optimiser: choice(["adamw", "muon"]),
  batchSize: integer(1),
  microBatchSize: integer(1),
  sequenceLength: integer(8),
  weights: choice(WEIGHT_TYPES),
  onProgress: callback(),
};
