import { boolean, callback, choice, integer, number } from "../../types/option-kinds.js";
import type { OptionTable } from "../../types/option-table.js";
import { LOOP_OPTIONS, type LoopOptions, type LoopProgress } from "../loop/loop-options.js";
import { WEIGHT_TYPES } from "../weight-types.js";
import type { MedusaAccuracy } from "./accuracy.js";
import { MEDUSA_LAYOUTS, type MedusaLayout } from "./layouts.js";

export interface TrainMedusaOptions extends LoopOptions {
  /** Heads: head i guesses the token i + 1 places on. Default 4. */
  heads?: number;
  /** ResBlocks of each head; 0: a head is an output product alone. Default 1. */
  layers?: number;
  /** Share the base's output product, which stays as it is, instead of training a copy for each head. Default false. */
  sharedHead?: boolean;
  /** The heads name so many tokens, those most frequent in the data: less to compute and to train. Default: all. */
  draftVocabulary?: number;
  /** Default 0.001; with Muon 0.01. */
  learningRate?: number;
  /** Default "adamw". Muon takes the matrices; biases go by AdamW at learningRate / 10. */
  optimiser?: "adamw" | "muon";
  /** Head i counts decay^i. Default 0.8. */
  headDecay?: number;
  /** Tokens of a step. Default 1024. */
  batchSize?: number;
  /** Tokens that are computed at once; a step adds up several such parts. Less takes less memory. Default 512. */
  microBatchSize?: number;
  /** Longest piece of text that the base reads at once. Default: the base's context, at most 512. */
  sequenceLength?: number;
  /** How weights are written. Default "F16". */
  weights?: (typeof WEIGHT_TYPES)[number];
  /**
   * Who reads the folder: "original", FasterDecoding/Medusa and its descendants; "vllm", vLLM up to 0.32; "tensorrt-llm". All are
   * read here. Default "original".
   */
  layout?: MedusaLayout;
  onProgress?: (progress: MedusaProgress) => void;
}

/** What is going on. */
export type MedusaProgress = { stage: "reading"; tokens: number } | LoopProgress<MedusaAccuracy>;

export const TRAIN_MEDUSA_OPTIONS: OptionTable<Omit<TrainMedusaOptions, "output">> = {
  ...LOOP_OPTIONS,
  heads: integer(1, 16),
  layers: integer(0, 8),
  sharedHead: boolean(),
  draftVocabulary: integer(32),
  learningRate: number("> 0"),
  optimiser: choice(["adamw", "muon"]),
  headDecay: number("(0, 1]"),
  batchSize: integer(32),
  microBatchSize: integer(32),
  sequenceLength: integer(8),
  weights: choice(WEIGHT_TYPES),
  layout: choice(MEDUSA_LAYOUTS),
  onProgress: callback(),
};
