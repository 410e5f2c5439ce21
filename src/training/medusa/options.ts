import { ForetokenError } from "../../types/errors.js";
import { abortSignal, boolean, callback, choice, integer, number } from "../../types/option-kinds.js";
import type { OptionTable } from "../../types/option-table.js";
import type { Decay } from "../optimiser/schedule.js";
import type { MedusaAccuracy } from "./accuracy.js";

/** How trained heads are written. */
export const WEIGHT_TYPES = ["F16", "BF16", "F32"] as const;

export interface TrainMedusaOptions {
  /** Folder that the heads are written to; checkpoints lie in it meanwhile. */
  output: string;
  /** Heads: head i guesses the token i + 1 places on. Default 4. */
  heads?: number;
  /** ResBlocks of each head; 0: a head is an output product alone. Default 1. */
  layers?: number;
  /** Share the base's output product, which stays as it is, instead of training a copy for each head. Default false. */
  sharedHead?: boolean;
  /** Default 0.001; with Muon 0.01. */
  learningRate?: number;
  /** Default "adamw". Muon takes the matrices; biases go by AdamW at learningRate / 10. */
  optimiser?: "adamw" | "muon";
  /** Default 0. */
  weightDecay?: number;
  /** Gradients are scaled down to this norm. Default 1. */
  maxGradientNorm?: number;
  /** Head i counts decay^i. Default 0.8. */
  headDecay?: number;
  /** Times that each token is trained on. Default 1. */
  epochs?: number;
  /** Most steps; the learning rate falls to 0 at the last one. Default: as many as the epochs take. */
  maxSteps?: number;
  /** Steps in which the learning rate rises. Default: a twentieth of all. */
  warmupSteps?: number;
  /** How it falls afterwards. Default "cosine". */
  decay?: Decay;
  /** Tokens of a step. Default 1024. */
  batchSize?: number;
  /** Tokens that are computed at once; a step adds up several such parts. Less takes less memory. Default 512. */
  microBatchSize?: number;
  /** Longest piece of text that the base reads at once. Default: the base's context, at most 512. */
  sequenceLength?: number;
  /** Most tokens that are read from the examples. Default: all. */
  maxTokens?: number;
  /** One example in so many is kept for validation. Default 20. */
  validateEvery?: number;
  /** Measures the heads so many times on the way. Default 5. */
  evaluations?: number;
  /** Minutes between checkpoints. Default 5. */
  checkpointMinutes?: number;
  /** Goes on from the output's checkpoint. Default false. */
  resume?: boolean;
  /** Decides the order of the tokens. Default 0. */
  seed?: number;
  /** How weights are written. Default "F16". */
  weights?: (typeof WEIGHT_TYPES)[number];
  onProgress?: (progress: MedusaProgress) => void;
  /** An abort saves a checkpoint, then the promise rejects. */
  signal?: AbortSignal;
}

/** What is going on. */
export type MedusaProgress =
  | { stage: "reading"; tokens: number }
  | {
      stage: "training";
      step: number;
      steps: number;
      /** Mean cross-entropy of each head in this step, nats. */
      losses: number[];
      /** The sum that is minimised. */
      loss: number;
      learningRate: number;
      gradientNorm: number;
      tokensPerSecond: number;
    }
  | ({ stage: "validation"; step: number; steps: number } & MedusaAccuracy);

export const TRAIN_MEDUSA_OPTIONS: OptionTable<Omit<TrainMedusaOptions, "output">> = {
  heads: integer(1, 16),
  layers: integer(0, 8),
  sharedHead: boolean(),
  learningRate: number("> 0"),
  optimiser: choice(["adamw", "muon"]),
  weightDecay: number(">= 0"),
  maxGradientNorm: number("> 0"),
  headDecay: number("(0, 1]"),
  epochs: integer(1, 1000),
  maxSteps: integer(1),
  warmupSteps: integer(0),
  decay: choice(["cosine", "linear", "constant"]),
  batchSize: integer(32),
  microBatchSize: integer(32),
  sequenceLength: integer(8),
  maxTokens: integer(1),
  validateEvery: integer(2),
  evaluations: integer(1),
  checkpointMinutes: number("> 0"),
  resume: boolean(),
  seed: integer(0),
  weights: choice(WEIGHT_TYPES),
  onProgress: callback(),
  signal: abortSignal(),
};

/** The loss or a gradient is no number. The last checkpoint is as it was. */
export class DivergenceError extends ForetokenError {
  override name = "DivergenceError";
}
