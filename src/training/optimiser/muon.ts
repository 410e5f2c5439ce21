import { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import { Tensor } from "../../runtime/tensor.js";
import { GraphSession } from "../gradient/gradient-graph.js";
import { Tape } from "../gradient/tape.js";
import type { Optimiser, Stretch } from "./optimiser.js";
import { Scalars } from "./scalars.js";

export interface MuonOptions {
  /** Default 0.95. */
  momentum?: number;
  /** Default 0.1. */
  weightDecay?: number;
}

/** Newton-Schulz: coefficients and steps of Jordan's reference and of torch.optim.Muon. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const STEPS = 5;
const EPSILON = 1e-7;

const SCALARS = ["kept", "rate", "scale"] as const;

/**
 * Muon (Jordan et al. 2024) for one matrix: Nesterov momentum whose singular values are made about 1 by five Newton-Schulz
 * iterations, in products. The rate grows with sqrt(max(1, rows / columns)), as in torch.optim.Muon.
 */
export class Muon implements Optimiser {
  readonly state: Record<"momentum", Float32Array>;
  private readonly tensors: Tensor[];
  private readonly scalars: Scalars<(typeof SCALARS)[number]>;

  private constructor(
    private readonly session: GraphSession,
    { values, gradients }: Stretch,
    private readonly dims: readonly [rows: number, columns: number],
    private readonly weightDecay: number,
  ) {
    this.state = { momentum: new Float32Array(values.length) };
    this.scalars = new Scalars(session, SCALARS);
    const arrays = { value: values, gradient: gradients, momentum: this.state.momentum };
    this.tensors = Object.entries(arrays).map(([name, array]) => {
      const tensor = new Tensor(array, dims);
      session.bind(name, tensor);
      return tensor;
    });
  }

  static async create(stretch: Stretch, dims: readonly [number, number], options: MuonOptions = {}): Promise<Muon> {
    const { momentum = 0.95, weightDecay = 0.1 } = options;
    return new Muon(await GraphSession.create(muonGraph(dims, momentum)), stretch, dims, weightDecay);
  }

  update(_step: number, learningRate: number, gradientScale: number): void {
    const [rows, columns] = this.dims;
    this.scalars.set({
      kept: 1 - learningRate * this.weightDecay,
      rate: learningRate * Math.sqrt(Math.max(1, rows / columns)),
      scale: gradientScale,
    });
    this.session.runSync();
  }

  dispose(): void {
    this.session.dispose();
    this.scalars.dispose();
    for (const tensor of this.tensors) tensor.dispose();
  }
}

/** Value and momentum are each read by one node only, on the way to the node that writes them: memory may be shared. */
function muonGraph(dims: readonly [number, number], momentum: number): OnnxGraph {
  const graph = new OnnxGraph();
  const t = new Tape(graph);
  const [kept, rate, scale] = SCALARS.map((name) => graph.input(name, "f32", []));
  const [value, gradient, before] = ["value", "gradient", "momentum"].map((name) => graph.input(name, "f32", dims));
  const times = (x: string, factor: string | number) =>
    t.node("Mul", [x, typeof factor === "number" ? t.constant(factor) : factor]);
  const next = (name: string, op: string, inputs: string[]) => {
    graph.node(op, inputs, [`${name}.next`]);
    return graph.output(`${name}.next`, "f32", dims);
  };
  const g = times(gradient, scale);
  const kindled = next("momentum", "Add", [times(before, momentum), times(g, 1 - momentum)]);
  const nesterov = t.node("Add", [times(g, 1 - momentum), times(kindled, momentum)]);
  const tall = dims[0] > dims[1];
  const turned = (x: string) => t.node("Transpose", [x], { perm: [1, 0] });
  const direction = newtonSchulz(t, tall ? turned(nesterov) : nesterov);
  next("value", "Sub", [times(value, kept), times(tall ? turned(direction) : direction, rate)]);
  return graph;
}

/** A wide matrix whose singular values become about 1, directions kept. */
function newtonSchulz(t: Tape, wide: string): string {
  const square = t.node("ReduceSumSquare", [wide], { keepdims: 0 });
  const norm = t.node("Max", [t.node("Sqrt", [square]), t.constant(EPSILON)]);
  let x = t.node("Div", [wide, norm]);
  const times = (of: string, factor: number) => t.node("Mul", [of, t.constant(factor)]);
  for (let i = 0; i < STEPS; i++) {
    const gram = t.node("Gemm", [x, x], { transB: 1 });
    const polynomial = t.node("Add", [times(gram, B), times(t.node("MatMul", [gram, gram]), C)]);
    x = t.node("Add", [times(x, A), t.node("MatMul", [polynomial, x])]);
  }
  return x;
}
