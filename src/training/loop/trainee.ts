import type { ParameterGroup } from "../optimiser/parameter-groups.js";
import type { ParameterSet } from "../parameters.js";

/** What a step did. */
export interface StepLosses {
  /** The mean that is minimised. */
  loss: number;
  /** Means of its parts, such as heads, in their order. */
  losses: readonly number[];
  /** Tokens that were read. */
  tokens: number;
}

/** Where a training stands: step counts from 1 to steps. */
export interface StepPlace {
  step: number;
  steps: number;
}

/** What a `TrainingLoop` trains. Units, such as packed sequences or blocks of rows, are trained on whole. */
export interface Trainee<Measure> {
  readonly parameters: ParameterSet;
  readonly groups: readonly ParameterGroup[];
  /** Units there are: 0 .. units - 1. */
  readonly units: number;
  /** Units of a step. */
  readonly unitsPerStep: number;
  /** Adds the gradients of a step to `parameters.gradients`, which are zero before. */
  addGradients(units: Uint32Array, signal: AbortSignal | undefined, at: StepPlace): Promise<StepLosses>;
  /** Looks at what was not trained on. */
  measure(signal?: AbortSignal): Promise<Measure>;
  /** Told each validation when it is logged; what it throws ends the training. */
  judge?(measure: Measure, step: number): void;
  /** What it remembers beside the parameters: checkpoints hold it. */
  readonly state?: Readonly<Record<string, Float32Array>>;
}
