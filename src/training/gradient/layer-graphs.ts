import { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import type { Architecture } from "../../models/architecture.js";
import type { Ops } from "../../models/ops.js";
import type { ModelConfig } from "../../types/model-config.js";
import type { DecoderHead, FinalRows } from "./decoder-head.js";
import type { DecoderWeight, DecoderWeights } from "./decoder-weights.js";
import { accumulateInto } from "./gradient-graph.js";
import { LayerOps } from "./layer-ops.js";
import { gather } from "./rules/gather.js";
import { Tape, type Value } from "./tape.js";

/** The input that says what a loss counts in the gradients, and the output that holds it. */
export const lossNames = (name: string) => ({ weight: `weight.${name}`, loss: `loss.${name}` });

/** The output of a measure. */
export const measureName = (name: string) => `measure.${name}`;

/**
 * A decoder cut into graphs: the embedding, one layer (for all of them, as layer 0), and final norm with head and losses. Each
 * way back computes its part again from the rows that went in. Names: x rows in, y rows out, dy and dx their gradients.
 */
export class LayerGraphs {
  private readonly finalNorm: string;

  /** @param length tokens of each sequence of a batch */
  constructor(
    private readonly architecture: Architecture,
    private readonly config: ModelConfig,
    private readonly weights: DecoderWeights,
    private readonly headOf: DecoderHead,
    private readonly length: number,
  ) {
    this.finalNorm = finalNormOf(architecture, config);
  }

  embedding(): OnnxGraph {
    const { tape, weightOf } = this.start();
    const rows = gather(tape, weightOf("embedding")!, tape.graph.input("ids", "i64", ["R"]));
    this.giveBack(tape, "y", rows.name);
    return tape.graph;
  }

  embeddingBack(): OnnxGraph {
    const { tape, weightOf, trained } = this.start();
    const rows = gather(tape, weightOf("embedding")!, tape.graph.input("ids", "i64", ["R"]));
    accumulateInto(tape, tape.backward([[rows, this.rows(tape, "dy", false).name]]), trained());
    return tape.graph;
  }

  layer(): OnnxGraph {
    const { tape, y } = this.layerRows();
    this.giveBack(tape, "y", y.name);
    return tape.graph;
  }

  layerBack(): OnnxGraph {
    const { tape, x, y, trained } = this.layerRows();
    this.finish(tape, x, tape.backward([[y, this.rows(tape, "dy", false).name]]), trained());
    return tape.graph;
  }

  /** The losses, and what is measured of each row. */
  head(): OnnxGraph {
    const { tape, rows } = this.headRows();
    this.giveLosses(tape, this.headOf.losses(tape, rows));
    for (const [name, value] of Object.entries(this.headOf.measures?.(tape, rows) ?? {})) {
      tape.graph.node("Identity", [value], [measureName(name)]);
      tape.graph.output(measureName(name), "f32", ["R"]);
    }
    return tape.graph;
  }

  headBack(): OnnxGraph {
    const { tape, x, rows, trained } = this.headRows();
    const losses = this.headOf.losses(tape, rows);
    this.giveLosses(tape, losses);
    const seeds = Object.entries(losses).map(
      ([name, value]) => [value, tape.graph.input(lossNames(name).weight, "f32", [])] as const,
    );
    this.finish(tape, x, tape.backward(seeds), trained());
    return tape.graph;
  }

  private layerRows() {
    const { tape, weightOf, trained } = this.start();
    const { config, length, weights } = this;
    const x = this.rows(tape, "x", true);
    const { adapters } = weights.trained;
    const ops = new LayerOps(tape, weightOf, x, { leftOut: this.finalNorm, sequence: { config, length }, adapters });
    return { tape, x, y: this.architecture.decode(ops, config, [0]), trained };
  }

  private headRows() {
    const { tape, weightOf, trained } = this.start();
    const x = this.rows(tape, "x", true);
    const ops = new LayerOps(tape, weightOf, x);
    for (const [name, { type, width }] of Object.entries(this.headOf.inputs)) {
      tape.graph.input(name, type, width === undefined ? ["R"] : ["R", width]);
    }
    const hidden = this.architecture.decode(ops, this.config, []);
    let logits: Value | undefined;
    const rows: FinalRows = {
      hidden,
      ops,
      logits: () => {
        logits ??= ops.linear(hidden, this.architecture.head);
        return logits;
      },
    };
    return { tape, x, rows, trained };
  }

  private giveLosses(tape: Tape, losses: Readonly<Record<string, Value>>): void {
    for (const [name, value] of Object.entries(losses)) {
      tape.graph.node("Identity", [value.name], [lossNames(name).loss]);
      tape.graph.output(lossNames(name).loss, "f32", []);
    }
  }

  private finish(
    tape: Tape,
    x: Value,
    gradients: ReadonlyMap<string, string>,
    trained: readonly DecoderWeight[],
  ): void {
    accumulateInto(tape, gradients, trained);
    this.giveBack(tape, "dx", gradients.get(x.name)!);
  }

  private giveBack(tape: Tape, name: string, value: string): void {
    tape.graph.node("Identity", [value], [name]);
    tape.graph.output(name, "f32", ["R", this.config.hiddenSize]);
  }

  private rows(tape: Tape, name: string, tracked: boolean): Value {
    return tape.input(name, ["R", this.config.hiddenSize], tracked);
  }

  /** A tape whose weights become inputs when they are first asked for; those that are trained are tracked. */
  private start() {
    const tape = new Tape(new OnnxGraph());
    const inputs = new Map<DecoderWeight, Value>();
    const weightOf = (asked: string) => {
      const weight = this.weights.find(asked);
      if (weight && !inputs.has(weight)) inputs.set(weight, tape.input(weight.name, weight.dims, weight.trained));
      return weight && inputs.get(weight);
    };
    return { tape, weightOf, trained: () => [...inputs.keys()].filter(({ trained }) => trained) };
  }
}

/** The only norm of a decoder without layers. */
export function finalNormOf(architecture: Architecture, config: ModelConfig): string {
  let name = "";
  const ops: Pick<Ops<null>, "embed" | "residualNorm"> = {
    embed: () => null,
    residualNorm: (sum, _update, weight) => {
      name = weight;
      return { sum, normed: null };
    },
  };
  architecture.decode(ops as Ops<null>, config, []);
  return name;
}
