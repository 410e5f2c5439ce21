import { OnnxGraph } from "../formats/onnx/onnx-writer.js";
import type { Architecture } from "../models/architecture.js";
import type { LinearSpec } from "../models/weight-spec.js";
import type { TrainingWeight } from "../training/checkpoint-weights.js";
import { finalNormOf } from "../training/gradient/layer-graphs.js";
import { LayerOps } from "../training/gradient/layer-ops.js";
import { Tape, type Value } from "../training/gradient/tape.js";
import type { ModelConfig } from "../types/model-config.js";

/** Products of a layer that read the same rows. */
export interface ProductGroup {
  /** Names as of layer 0. */
  products: readonly string[];
  /** Width of the rows. */
  in: number;
}

/** Layer 0 of a decoder as graphs that stop at the inputs of its products. Names: x rows in, y rows out. */
export class ProductGraphs {
  constructor(
    private readonly architecture: Architecture,
    private readonly config: ModelConfig,
    /** Of layer 0. */
    private readonly weights: readonly TrainingWeight[],
    /** Tokens of each sequence. */
    private readonly length: number,
  ) {}

  /** In the order that they are computed in. */
  groups(specs: readonly LinearSpec[]): ProductGroup[] {
    const groups: { products: string[]; in: number }[] = [];
    let last: Value | undefined;
    this.build((weight, x) => {
      const spec = specs.find(({ name }) => name === weight)!;
      if (x === last) groups.at(-1)!.products.push(weight);
      else groups.push({ products: [weight], in: spec.in });
      last = x;
    });
    return groups;
  }

  /** The layer up to the rows [R, in] that a group reads. */
  inputsOf({ products, in: width }: ProductGroup): OnnxGraph {
    let read: Value | undefined;
    const { graph } = this.build((weight, x) => {
      if (weight === products[0]) read = x;
    });
    return outputOf(graph, read!, width);
  }

  /** The whole layer. */
  layer(): OnnxGraph {
    const { graph, y } = this.build(() => {});
    return outputOf(graph, y, this.config.hiddenSize);
  }

  private build(onProduct: (weight: string, x: Value) => void): { graph: OnnxGraph; y: Value } {
    const { architecture, config, length } = this;
    const tape = new Tape(new OnnxGraph());
    const x = tape.input("x", ["R", config.hiddenSize], false);
    const inputs = new Map<string, Value>();
    const weightOf = (name: string) => {
      const weight = this.weights.find((known) => known.name === name);
      if (weight && !inputs.has(name)) inputs.set(name, tape.input(name, weight.dims, false));
      return inputs.get(name);
    };
    class ProductOps extends LayerOps {
      override linear(rows: Value, weight: string): Value {
        onProduct(weight, rows);
        return super.linear(rows, weight);
      }
    }
    const leftOut = finalNormOf(architecture, config);
    const ops = new ProductOps(tape, weightOf, x, { leftOut, sequence: { config, length } });
    return { graph: tape.graph, y: architecture.decode(ops, config, [0]) };
  }
}

function outputOf(graph: OnnxGraph, value: Value, width: number): OnnxGraph {
  graph.node("Identity", [value.name], ["y"]);
  graph.output("y", "f32", ["R", width]);
  graph.trim();
  return graph;
}
