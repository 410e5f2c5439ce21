import type { ModelConfig } from "../../types/model-config.js";
import { DifferentiableOps, type Weights } from "./differentiable-ops.js";
import { adapted, adapterNames, type LowRank } from "./low-rank.js";
import type { Tape, Value } from "./tape.js";

export interface LayerParts {
  /** The norm after the last layer, which the layer's graph leaves to the head's. */
  leftOut?: string;
  sequence?: { config: ModelConfig; length: number };
  /** Products that have adapters are computed with them. */
  adapters?: LowRank;
}

/** One layer between an embedding that is the rows `x`, and a final norm that is left out. */
export class LayerOps extends DifferentiableOps {
  constructor(
    private readonly on: Tape,
    private readonly weightOf: Weights,
    private readonly x: Value,
    private readonly parts: LayerParts = {},
  ) {
    super(on, weightOf, "", parts.sequence);
  }

  override embed(): Value {
    return this.x;
  }

  override linear(x: Value, weight: string): Value {
    const y = super.linear(x, weight);
    const { adapters } = this.parts;
    const names = adapterNames(weight);
    const [a, b] = [this.weightOf(names.a), this.weightOf(names.b)];
    return adapters && a && b ? adapted(this.on, y, x, a, b, adapters) : y;
  }

  override residualNorm(sum: Value, update: Value | undefined, weight: string, epsilon: number) {
    if (weight !== this.parts.leftOut || !update) return super.residualNorm(sum, update, weight, epsilon);
    const next = this.add(sum, update);
    return { sum: next, normed: next };
  }
}
