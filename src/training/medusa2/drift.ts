import { ForetokenError } from "../../types/errors.js";

/** A training that was stopped because of what it did to the base. */
export interface DriftStop {
  /** The step at which validation found it. */
  step: number;
  /** How much the base's perplexity had risen by then, a share. */
  rise: number;
}

/** The base's perplexity has risen too far, before any validation found it within the limit. */
export class DriftError extends ForetokenError {
  override name = "DriftError";

  constructor(
    readonly stop: DriftStop,
    maxDrift: number,
  ) {
    super(
      `the base's perplexity has risen by ${percent(stop.rise)} %, over the limit of ${100 * maxDrift} %: train with a lower learningRate or headWeight, or raise maxDrift`,
    );
  }
}

/** @param kept the step whose state was written */
export function driftWords({ step, rise }: DriftStop, kept: number): string {
  return `Stopped at step ${step}, where the base's perplexity had risen by ${percent(rise)} %: this is the state of step ${kept}, the last within the limit`;
}

const percent = (share: number) => (100 * share).toFixed(2);
