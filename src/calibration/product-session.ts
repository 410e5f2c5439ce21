import { OnnxGraph } from "../formats/onnx/onnx-writer.js";
import { Tensor } from "../runtime/tensor.js";
import { GraphSession } from "../training/gradient/gradient-graph.js";

/** Row by row. */
export interface Matrix {
  values: Float32Array;
  dims: readonly [rows: number, columns: number];
}

/** y = a b, or a^T b, of matrices of any size. */
export class ProductSession {
  private constructor(
    private readonly session: GraphSession,
    private readonly transposed: boolean,
  ) {}

  static async create(transposed: boolean): Promise<ProductSession> {
    const graph = new OnnxGraph();
    graph.input("a", "f32", ["I", "J"]);
    graph.input("b", "f32", ["K", "L"]);
    graph.node("Gemm", ["a", "b"], ["y"], { transA: Number(transposed) });
    graph.output("y", "f32", ["M", "L"]);
    return new ProductSession(await GraphSession.create(graph), transposed);
  }

  async run(a: Matrix, b: Matrix, signal?: AbortSignal): Promise<Matrix> {
    const dims = [a.dims[this.transposed ? 1 : 0], b.dims[1]] as const;
    const y = { values: new Float32Array(dims[0] * dims[1]), dims };
    const tensors = Object.entries({ a, b, y }).map(([name, matrix]) => {
      const tensor = new Tensor(matrix.values, matrix.dims);
      this.session.bind(name, tensor);
      return tensor;
    });
    await this.session.run(signal);
    for (const tensor of tensors) tensor.dispose();
    return y;
  }

  dispose(): void {
    this.session.dispose();
  }
}
