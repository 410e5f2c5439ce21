import { ForetokenError } from "../../types/errors.js";
import { abortSignal, boolean, choice, integer, number } from "../../types/option-kinds.js";
import type { OptionTable } from "../../types/option-table.js";
import type { Decay } from "../optimiser/schedule.js";

/** Options that every training has. */
export interface LoopOptions {
  /** Folder that the result is written to; checkpoints lie in it meanwhile. */
  output: string;
  /** Gradients are scaled down to this norm. Default 1. */
  maxGradientNorm?: number;
  /** Default 0. */
  weightDecay?: number;
  /** Times that each token is trained on. Default 1. */
  epochs?: number;
  /** Most steps; the learning rate falls to 0 at the last one. Default: as many as the epochs take. */
  maxSteps?: number;
  /** Steps in which the learning rate rises. Default: a twentieth of all. */
  warmupSteps?: number;
  /** How it falls afterwards. Default "cosine". */
  decay?: Decay;
  /** Measures what was not trained on so many times on the way. Default 5. */
  evaluations?: number;
  /** Minutes between checkpoints. Default 5. */
  checkpointMinutes?: number;
  /** Writes curves for TensorBoard too: events.out.tfevents.* in the output. Default false. */
  tensorboard?: boolean;
  /** Goes on from the output's checkpoint. Default false. */
  resume?: boolean;
  /** Decides the order of the tokens. Default 0. */
  seed?: number;
  /** Most tokens that are read from the examples. Default: all. */
  maxTokens?: number;
  /** One piece of an example in so many is kept for validation. Default 20. */
  validateEvery?: number;
  /** An abort saves a checkpoint, then the promise rejects. */
  signal?: AbortSignal;
}

export const LOOP_OPTIONS = {
  maxGradientNorm: number("> 0"),
  weightDecay: number(">= 0"),
  epochs: integer(1, 1000),
  maxSteps: integer(1),
  warmupSteps: integer(0),
  decay: choice(["cosine", "linear", "constant"]),
  evaluations: integer(1),
  checkpointMinutes: number("> 0"),
  tensorboard: boolean(),
  resume: boolean(),
  seed: integer(0),
  maxTokens: integer(1),
  validateEvery: integer(2),
  signal: abortSignal(),
} satisfies OptionTable<Omit<LoopOptions, "output">>;

export const LOOP_DEFAULTS = {
  maxGradientNorm: 1,
  weightDecay: 0,
  epochs: 1,
  decay: "cosine",
  evaluations: 5,
  checkpointMinutes: 5,
  tensorboard: false,
  resume: false,
  seed: 0,
  validateEvery: 20,
} as const;

/** Muon's updates have singular values of about 1, whatever the gradient: the rate unless another is given. */
export const MUON_RATE = 0.01;

type WithoutDefault = "maxSteps" | "warmupSteps" | "maxTokens" | "signal";

/** The options with every default filled in. */
export type LoopSettings = Required<Omit<LoopOptions, WithoutDefault>> & Pick<LoopOptions, WithoutDefault>;

/** What is going on in a training. */
export type LoopProgress<Measure> =
  | {
      stage: "training";
      step: number;
      steps: number;
      /** What is minimised, nats. */
      loss: number;
      /** Its parts, such as each head's, means over the tokens of this step. */
      losses: readonly number[];
      /** Of the first parameter group. */
      learningRate: number;
      /** Before clipping. */
      gradientNorm: number;
      tokensPerSecond: number;
    }
  | ({ stage: "validation"; step: number; steps: number } & Measure);

/** The loss or a gradient is no number, or the loss has grown out of all proportion. The last checkpoint is as it was. */
export class DivergenceError extends ForetokenError {
  override name = "DivergenceError";
}

/** What decides the outcome of a training, as text: a checkpoint of other settings could not go on with these. */
export function settingsKey(settings: LoopSettings & { weights: string; layout?: string }): string {
  const { output: _o, resume: _r, checkpointMinutes: _c, evaluations: _e, tensorboard: _t, ...others } = settings;
  const { weights: _w, layout: _l, ...rest } = others;
  return JSON.stringify({ ...rest, onProgress: undefined, signal: undefined });
}
