import type { Ops } from "../ops.js";
import { type AttentionShape, attention } from "./attention.js";
import type { Sequences } from "./contract.js";
import { Named, Normed, NormedProduct, type Value } from "./values.js";
import type { OnnxWeights } from "./weights.js";

/**
 * `Ops` whose rows are values of an ONNX graph. With Foretoken's own products, those of normed rows take the residual
 * update, the norm and SwiGLU in: a layer is five nodes in place of ten.
 */
export class OnnxOps implements Ops<Value> {
  private readonly graph;

  /** @param attends what `attention` needs: the shape of heads, and how many sequences a pass has rows of */
  constructor(
    private readonly weights: OnnxWeights,
    private readonly attends?: { config: AttentionShape; sequences: Sequences },
  ) {
    this.graph = weights.graph;
  }

  embed(weight: string): Value {
    return new Named(this.weights.embed(weight));
  }

  linear(x: Value, weight: string): Value {
    if (x instanceof Normed && this.weights.skinny) return new NormedProduct(this.weights, x, weight);
    return new Named(this.weights.linear(x.name(), weight));
  }

  residualNorm(sum: Value, update: Value | undefined, weight: string, epsilon: number) {
    const normed = new Normed(this.graph, this.weights, sum, update, weight, epsilon);
    return { sum: normed.sum, normed };
  }

  attention(qkv: Value, layer: number): Value {
    const { config, sequences } = this.attends!;
    return new Named(attention(this.graph, config, layer, sequences, qkv.name()));
  }

  swiglu(gate: Value, up: Value): Value {
    const fused = gate instanceof NormedProduct && up instanceof NormedProduct ? gate.gating(up) : undefined;
    if (fused) return fused;
    return new Named(this.graph.node("Mul", [this.silu(gate).name(), up.name()], [`${gate.name()}.swiglu`]));
  }

  silu(x: Value): Value {
    // QuickGelu with alpha 1 is SiLU.
    const attributes = { alpha: { float: 1 } };
    return new Named(this.graph.node("QuickGelu", [x.name()], [`${x.name()}.silu`], attributes, "com.microsoft"));
  }

  add(x: Value, y: Value): Value {
    return new Named(this.graph.node("Add", [x.name(), y.name()], [`${x.name()}+${y.name()}`]));
  }
}
