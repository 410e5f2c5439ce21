import { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import type { Tensor } from "../../runtime/tensor.js";
import { GraphSession } from "../gradient/gradient-graph.js";
import { Tape } from "../gradient/tape.js";
import { blocksOf } from "./blocks.js";
import type { Optimiser, Stretch } from "./optimiser.js";
import { Scalars } from "./scalars.js";

export interface AdamWOptions {
  /** Decay of the mean of gradients. Default 0.9. */
  beta1?: number;
  /** Decay of the mean of their squares. Default 0.999. */
  beta2?: number;
  /** Default 1e-8. */
  epsilon?: number;
  /** Default 0.01. */
  weightDecay?: number;
}

const SCALARS = ["kept", "rate", "correction", "scale"] as const;
const STATE = ["value", "gradient", "first", "second"] as const;

/** AdamW, decay apart from the gradient (Loshchilov & Hutter 2019), as one graph that runs block by block. */
export class AdamW implements Optimiser {
  readonly state: Record<"first" | "second", Float32Array>;
  private readonly blocks: Record<(typeof STATE)[number], Tensor>[];
  private readonly scalars: Scalars<(typeof SCALARS)[number]>;

  private constructor(
    private readonly session: GraphSession,
    { values, gradients }: Stretch,
    private readonly options: Required<AdamWOptions>,
  ) {
    this.state = { first: new Float32Array(values.length), second: new Float32Array(values.length) };
    this.blocks = blocksOf({ value: values, gradient: gradients, ...this.state });
    this.scalars = new Scalars(session, SCALARS);
  }

  static async create(stretch: Stretch, given: AdamWOptions = {}): Promise<AdamW> {
    const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, ...given };
    return new AdamW(await GraphSession.create(adamWGraph(options)), stretch, options);
  }

  update(step: number, learningRate: number, gradientScale: number): void {
    const { beta1, beta2, weightDecay } = this.options;
    this.scalars.set({
      kept: 1 - learningRate * weightDecay,
      rate: learningRate / (1 - beta1 ** step),
      correction: 1 / Math.sqrt(1 - beta2 ** step),
      scale: gradientScale,
    });
    for (const block of this.blocks) {
      for (const name of STATE) this.session.bind(name, block[name]);
      this.session.runSync();
    }
  }

  dispose(): void {
    this.session.dispose();
    this.scalars.dispose();
    for (const block of this.blocks) for (const name of STATE) block[name].dispose();
  }
}

/**
 * The update of a block. Each state is read by one node only, on the way to the node that writes it: sharing memory
 * between input and output is safe.
 */
function adamWGraph({ beta1, beta2, epsilon }: Required<AdamWOptions>): OnnxGraph {
  const graph = new OnnxGraph();
  const t = new Tape(graph);
  const [kept, rate, correction, scale] = SCALARS.map((name) => graph.input(name, "f32", []));
  const [value, gradient, first, second] = STATE.map((name) => graph.input(name, "f32", ["N"]));
  const times = (x: string, factor: string) => t.node("Mul", [x, factor]);
  const next = (name: string, op: string, inputs: string[]) => {
    graph.node(op, inputs, [`${name}.next`]);
    return graph.output(`${name}.next`, "f32", ["N"]);
  };
  const g = times(gradient, scale);
  const m = next("first", "Add", [times(first, t.constant(beta1)), times(g, t.constant(1 - beta1))]);
  const square = times(times(g, g), t.constant(1 - beta2));
  const v = next("second", "Add", [times(second, t.constant(beta2)), square]);
  const spread = t.node("Add", [times(t.node("Sqrt", [v]), correction), t.constant(epsilon)]);
  next("value", "Sub", [times(value, kept), t.node("Div", [times(m, rate), spread])]);
  return graph;
}
