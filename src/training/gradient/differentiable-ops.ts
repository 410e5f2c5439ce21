import type { Ops } from "../../models/ops.js";
import type { ModelConfig } from "../../types/model-config.js";
import { type PackedBatch, packedBatch } from "./packed-batch.js";
import { add } from "./rules/add.js";
import { attention } from "./rules/attention.js";
import { gather } from "./rules/gather.js";
import { linear } from "./rules/linear.js";
import { mul } from "./rules/mul.js";
import { rmsNorm } from "./rules/rms-norm.js";
import { concat } from "./rules/shape.js";
import { silu } from "./rules/silu.js";
import type { Tape, Value } from "./tape.js";

/** The weights of a graph by the names of `weightSpecs`; undefined for a bias that the architecture has not. */
export type Weights = (name: string) => Value | undefined;

/** `Ops` that can be differentiated: rows are values [rows, width] on a tape. */
export class DifferentiableOps implements Ops<Value> {
  private packed: PackedBatch | undefined;

  /**
   * @param ids the value of token ids i64 [batch T], for `embed`
   * @param sequence what `attention` needs: the shape of heads, and the tokens of each sequence
   * @param draft what rows of a draft layer read beside tokens: the target's streams, unless all rows have guesses
   */
  constructor(
    protected readonly tape: Tape,
    private readonly weights: Weights,
    private readonly ids = "ids",
    private readonly sequence?: { config: ModelConfig; length: number },
    private readonly draft?: { streams: readonly Value[]; guesses?: Value },
  ) {}

  embed(weight: string): Value {
    return gather(this.tape, this.weights(weight)!, this.ids);
  }

  linear(x: Value, weight: string): Value {
    return linear(this.tape, x, this.weights(weight)!, this.weights(`${weight}.bias`));
  }

  residualNorm(sum: Value, update: Value | undefined, weight: string, epsilon: number) {
    const next = update ? add(this.tape, sum, update) : sum;
    return { sum: next, normed: rmsNorm(this.tape, next, this.weights(weight)!, epsilon) };
  }

  attention(qkv: Value): Value {
    const { config, length } = this.sequence!;
    this.packed ??= packedBatch(this.tape, length, config.headDim);
    const { numHeads, numKvHeads, headDim } = config;
    return attention(this.tape, qkv, { numHeads, numKvHeads, headDim, length, ...this.packed });
  }

  swiglu(gate: Value, up: Value): Value {
    return mul(this.tape, this.silu(gate), up);
  }

  silu(x: Value): Value {
    return silu(this.tape, x);
  }

  add(x: Value, y: Value): Value {
    return add(this.tape, x, y);
  }

  join(parts: readonly Value[]): Value {
    return concat(this.tape, parts, 1);
  }

  targetStreams(): Value[] {
    return [...this.draft!.streams];
  }

  features(fused: Value): Value {
    return this.draft!.guesses ?? fused;
  }
}
