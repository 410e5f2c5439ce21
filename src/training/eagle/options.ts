import { boolean, callback, choice, integer, listOf, number } from "../../types/option-kinds.js";
import type { OptionTable } from "../../types/option-table.js";
import { LOOP_OPTIONS, type LoopOptions, type LoopProgress } from "../loop/loop-options.js";
import { WEIGHT_TYPES } from "../weight-types.js";
import type { EagleAccuracy } from "./accuracy.js";

/** Whose layout the folder has. */
export const LAYOUTS = ["eagle", "speculators"] as const;

export interface TrainEagleOptions extends LoopOptions {
  /** Tokens that the layer drafts after each row while it learns (training-time test), 1 to 8. The paper has 7. Default 4. */
  steps?: number;
  /** Step s counts decay^s. Default 0.8. */
  stepDecay?: number;
  /** "kl": divergence from the target's distribution; "lk": -log of the chance that it accepts. Default "kl". */
  loss?: "kl" | "lk";
  /** Tokens that the layer can name: the data's most frequent ones. Default: the target's, at most 8192. */
  draftVocabulary?: number;
  /**
   * The target's residual streams that the layer reads, three, each after so many layers. Default: 2, L / 2 and L - 3 of L
   * layers; of fewer than 12 layers those after a third, two thirds and all.
   */
  targetLayers?: readonly number[];
  /** Train the output product; otherwise it stays the target's. Default false. */
  trainHead?: boolean;
  /** Default 0.001; with Muon 0.01. */
  learningRate?: number;
  /** Default "adamw". Muon takes the matrices; norms go by AdamW at learningRate / 10. */
  optimiser?: "adamw" | "muon";
  /** Rows of a packed sequence; longer texts are cut. Default: the base's context, at most 256. */
  sequenceLength?: number;
  /** Rows of a step, whole sequences. Default: 4 sequences. */
  batchSize?: number;
  /** Rows that are computed at once; a step adds up several such parts. Less takes less memory. Default: 2 sequences. */
  microBatchSize?: number;
  /** How weights are written. Default "BF16". */
  weights?: (typeof WEIGHT_TYPES)[number];
  /** Default "eagle": SafeAILab/EAGLE's. */
  layout?: (typeof LAYOUTS)[number];
  onProgress?: (progress: EagleProgress) => void;
}

/** What is going on. */
export type EagleProgress = { stage: "reading"; tokens: number } | LoopProgress<EagleAccuracy>;

export const TRAIN_EAGLE_OPTIONS: OptionTable<Omit<TrainEagleOptions, "output">> = {
  ...LOOP_OPTIONS,
  steps: integer(1, 8),
  stepDecay: number("(0, 1]"),
  loss: choice(["kl", "lk"]),
  draftVocabulary: integer(16),
  targetLayers: listOf(integer(0, 1000), "layers"),
  trainHead: boolean(),
  learningRate: number("> 0"),
  optimiser: choice(["adamw", "muon"]),
  sequenceLength: integer(8),
  batchSize: integer(8),
  microBatchSize: integer(8),
  weights: choice(WEIGHT_TYPES),
  layout: choice(LAYOUTS),
  onProgress: callback(),
};
