import type { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import type { OnnxWeights } from "./weights.js";

/** Rows [1, R, width] of a graph. Their nodes are added when their name is first asked for: until then others may take them in. */
export interface Value {
  name(): string;
}

/** Rows that are in the graph already. */
export class Named implements Value {
  constructor(private readonly text: string) {}

  name(): string {
    return this.text;
  }
}

/** A residual stream with its update, and its RMS norm: a node of its own, or part of the products that read it. */
export class Normed implements Value {
  private node: string | undefined;
  private summed = false;

  /** @param weight the gain, whose name the results get */
  constructor(
    private readonly graph: OnnxGraph,
    private readonly weights: OnnxWeights,
    private readonly stream: Value,
    private readonly update: Value | undefined,
    private readonly weight: string,
    private readonly epsilon: number,
  ) {}

  name(): string {
    this.node ??= this.emit();
    return this.node;
  }

  /** The stream with its update. */
  get sum(): Value {
    if (!this.update) return this.stream;
    return {
      name: () => {
        if (!this.summed) this.name();
        return this.sumName;
      },
    };
  }

  /** What a product takes in place of normed rows; the first one adds the update. */
  asInputs(): { x: string; update?: string; gain: string; epsilon: number; sum?: string } {
    const { epsilon } = this;
    const gain = this.weights.weight(this.weight);
    if (!this.update || this.summed) return { x: this.sum.name(), gain, epsilon };
    const inputs = { x: this.stream.name(), update: this.update.name(), gain, epsilon, sum: this.sumName };
    this.summed = true;
    return inputs;
  }

  private get sumName(): string {
    return `${this.weight}.residual`;
  }

  private emit(): string {
    const gain = this.weights.weight(this.weight);
    const normed = `${this.weight}.out`;
    const attributes = { epsilon: { float: this.epsilon } };
    if (!this.update || this.summed) {
      const inputs = [this.sum.name(), gain];
      return this.graph.node("SimplifiedLayerNormalization", inputs, [normed], {
        ...attributes,
        axis: -1,
        stash_type: 1,
      });
    }
    this.summed = true;
    const inputs = [this.stream.name(), this.update.name(), gain];
    const outputs = [normed, "", "", this.sumName];
    return this.graph.node("SkipSimplifiedLayerNormalization", inputs, outputs, attributes, "com.microsoft");
  }
}

/** A product of normed rows, which takes the norm in, and may be taken in itself where it is a gate. */
export class NormedProduct implements Value {
  private node: string | undefined;

  constructor(
    private readonly weights: OnnxWeights,
    private readonly rows: Normed,
    private readonly weight: string,
  ) {}

  name(): string {
    this.node ??= this.weights.skinnyProduct({ ...this.rows.asInputs(), weight: this.weight });
    return this.node;
  }

  /** silu(this) * up as one node; undefined where `up` reads other rows, or one of them is in the graph already. */
  gating(up: NormedProduct): Value | undefined {
    if (this.node || up.node || up.rows !== this.rows) return undefined;
    return new Named(this.weights.skinnyProduct({ ...this.rows.asInputs(), weight: this.weight, up: up.weight }));
  }
}
