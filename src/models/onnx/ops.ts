import type { ModelConfig } from "../../types/model-config.js";
import type { Ops } from "../ops.js";
import { type AttentionShape, attention } from "./attention.js";
import { type Sequences, targetStreamName } from "./contract.js";
import type { OnnxWeights } from "./weights.js";

const CONTRIB = "com.microsoft";

/** `Ops` whose rows are names of values [1, R, width] in an ONNX graph; every call adds nodes to it. */
export class OnnxOps implements Ops<string> {
  private readonly graph;

  /** @param attends what `attention` needs: the shape of heads, and how many sequences a pass has rows of */
  constructor(
    private readonly weights: OnnxWeights,
    private readonly attends?: { config: AttentionShape & Pick<ModelConfig, "eagle">; sequences: Sequences },
  ) {
    this.graph = weights.graph;
  }

  embed(weight: string): string {
    return this.weights.embed(weight);
  }

  linear(x: string, weight: string): string {
    return this.weights.linear(x, weight);
  }

  residualNorm(sum: string, update: string | undefined, weight: string, epsilon: number) {
    const gain = this.weights.weight(weight);
    const normed = `${weight}.out`;
    if (update === undefined) {
      const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
      this.graph.node("SimplifiedLayerNormalization", [sum, gain], [normed], attributes);
      return { sum, normed };
    }
    const next = `${weight}.residual`;
    const attributes = { epsilon: { float: epsilon } };
    const outputs = [normed, "", "", next];
    this.graph.node("SkipSimplifiedLayerNormalization", [sum, update, gain], outputs, attributes, CONTRIB);
    return { sum: next, normed };
  }

  attention(qkv: string, layer: number): string {
    const { config, sequences } = this.attends!;
    return attention(this.graph, config, layer, sequences, qkv);
  }

  swiglu(gate: string, up: string): string {
    return this.graph.node("Mul", [this.silu(gate), up], [`${gate}.swiglu`]);
  }

  silu(x: string): string {
    // QuickGelu with alpha 1 is SiLU.
    return this.graph.node("QuickGelu", [x], [`${x}.silu`], { alpha: { float: 1 } }, CONTRIB);
  }

  add(x: string, y: string): string {
    return this.graph.node("Add", [x, y], [`${x}+${y}`]);
  }

  join(parts: readonly string[]): string {
    return this.graph.node("Concat", parts, [parts.join("|")], { axis: -1 });
  }

  targetStreams(): string[] {
    return this.attends!.config.eagle!.targetLayers.map((_, i) => targetStreamName(i));
  }

  features(fused: string): string {
    const both = this.graph.node("Concat", [fused, "guesses"], ["fused_and_guesses"], { axis: 1 });
    return this.graph.node("Gather", [both, "feature_rows"], ["features"], { axis: 1 });
  }
}
