import { callback, choice, integer, number, text } from "../../types/option-kinds.js";
import type { OptionTable } from "../../types/option-table.js";
import { LOOP_OPTIONS, type LoopOptions, type LoopProgress } from "../loop/loop-options.js";
import { TRAIN_MEDUSA_OPTIONS, type TrainMedusaOptions } from "../medusa/options.js";
import { WEIGHT_TYPES } from "../weight-types.js";
import type { JointMeasure } from "./joint-measure.js";

export interface TrainMedusa2Options
  extends LoopOptions,
    Pick<TrainMedusaOptions, "heads" | "layers" | "sharedHead" | "headDecay" | "layout"> {
  /** A folder of trained heads that these begin as (two stages): their number and shape are theirs. Default: none. */
  headsFrom?: string;
  /**
   * What the base learns from: "teacher", its own distributions before training (KL), for text that it wrote; "text", the next token.
   * Default "teacher".
   */
  baseLoss?: "teacher" | "text";
  /** Rank of the adapters (LoRA) that the base's products get, merged in the end; 0: all of the base is trained. Default 32. */
  rank?: number;
  /** Adapters count alpha / rank. Default 16. */
  alpha?: number;
  /** What all heads together count beside the base's loss. Default 0.2 with headsFrom, else 0.01. */
  headWeight?: number;
  /** "sine": that weight rises with sin(pi/2 step/steps). Default "none" with headsFrom, else "sine". */
  ramp?: "none" | "sine";
  /** The base's. Default 0.0001. */
  learningRate?: number;
  /** The heads learn so many times as fast. Default 4. */
  headRate?: number;
  /** The training stops where a validation finds the base's perplexity so much higher than before it, a share. Default 0.01. */
  maxDrift?: number;
  /** Sequences of a step. Default 8. */
  batchSize?: number;
  /** Sequences that are computed at once; a step adds up several such parts. Less takes less memory. Default 4. */
  microBatchSize?: number;
  /** Tokens of a sequence. Short pieces of text are packed into one and do not see each other. Default: the context, at most 256. */
  sequenceLength?: number;
  /** How base and heads are written. Default "BF16". */
  weights?: (typeof WEIGHT_TYPES)[number];
  onProgress?: (progress: Medusa2Progress) => void;
}

/** What is going on. */
export type Medusa2Progress = { stage: "reading"; tokens: number } | LoopProgress<JointMeasure>;

const { heads, layers, sharedHead, headDecay, layout } = TRAIN_MEDUSA_OPTIONS;

export const TRAIN_MEDUSA2_OPTIONS: OptionTable<Omit<TrainMedusa2Options, "output">> = {
  ...LOOP_OPTIONS,
  ...{ heads, layers, sharedHead, headDecay, layout },
  headsFrom: text(),
  baseLoss: choice(["teacher", "text"]),
  rank: integer(0, 1024),
  alpha: number("> 0"),
  headWeight: number("> 0"),
  ramp: choice(["none", "sine"]),
  learningRate: number("> 0"),
  headRate: number("> 0"),
  maxDrift: number("> 0"),
  batchSize: integer(1),
  microBatchSize: integer(1),
  sequenceLength: integer(8),
  weights: choice(WEIGHT_TYPES),
  onProgress: callback(),
};
