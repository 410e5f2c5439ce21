import { OnnxGraph } from "../../formats/onnx/onnx-writer.js";
import { Tensor } from "../../runtime/tensor.js";
import { GraphSession } from "../gradient/gradient-graph.js";
import { blocksOf } from "./blocks.js";

/** The norm of all gradients together; not finite where one of them is not. */
export class GradientNorm {
  private readonly sum = new Float32Array(1);
  private readonly out = new Tensor(this.sum, []);
  private readonly blocks: { gradient: Tensor }[];

  private constructor(
    private readonly session: GraphSession,
    gradients: Float32Array,
  ) {
    this.blocks = blocksOf({ gradient: gradients });
    session.bind("square", this.out);
  }

  static async create(gradients: Float32Array): Promise<GradientNorm> {
    const graph = new OnnxGraph();
    graph.input("gradient", "f32", ["N"]);
    graph.node("ReduceSumSquare", ["gradient"], ["square"], { keepdims: 0 });
    graph.output("square", "f32", []);
    return new GradientNorm(await GraphSession.create(graph), gradients);
  }

  measure(): number {
    let total = 0;
    for (const { gradient } of this.blocks) {
      this.session.bind("gradient", gradient);
      this.session.runSync();
      total += this.sum[0];
    }
    return Math.sqrt(total);
  }

  dispose(): void {
    this.session.dispose();
    this.out.dispose();
    for (const { gradient } of this.blocks) gradient.dispose();
  }
}
