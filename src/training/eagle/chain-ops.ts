import type { ModelConfig } from "../../types/model-config.js";
import { DifferentiableOps, type Weights } from "../gradient/differentiable-ops.js";
import type { PackedBatch } from "../gradient/packed-batch.js";
import { type AttentionChain, attention } from "../gradient/rules/attention.js";
import type { Tape, Value } from "../gradient/tape.js";

/** What the steps of a training-time test share. */
export interface SharedSteps {
  config: ModelConfig;
  /** Rows of each packed sequence. */
  length: number;
  packed: PackedBatch;
  /** The target's residual streams. */
  streams: readonly Value[];
  chain: AttentionChain;
  fused?: Value;
}

/** What a draft layer computes in one step of a training-time test: its rows stand `step` places behind their features. */
export class ChainOps extends DifferentiableOps {
  /** @param guesses what the step before gave; absent in step 0, which reads the target's streams */
  constructor(
    tape: Tape,
    weights: Weights,
    ids: string,
    private readonly steps: SharedSteps,
    private readonly step: number,
    guesses?: Value,
  ) {
    super(tape, weights, ids, undefined, { streams: steps.streams, ...(guesses && { guesses }) });
  }

  /** The fused streams are the same in every step. */
  override linear(x: Value, weight: string): Value {
    if (weight !== "fc") return super.linear(x, weight);
    this.steps.fused ??= super.linear(x, weight);
    return this.steps.fused;
  }

  /** A row sees the text up to its feature, and of earlier steps the rows that it follows. */
  override attention(qkv: Value): Value {
    const { config, length, packed, chain } = this.steps;
    const { numHeads, numKvHeads, headDim } = config;
    const at = this.step === 0 ? packed : packed.further(this.step);
    const inputs = { numHeads, numKvHeads, headDim, length, bias: packed.bias, cos: at.cos, sin: at.sin };
    return attention(this.tape, qkv, inputs, chain);
  }
}
