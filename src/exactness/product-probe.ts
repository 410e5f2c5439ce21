import { OnnxGraph } from "../formats/onnx/onnx-writer.js";
import { architectureOf } from "../models/architectures.js";
import { OnnxWeights } from "../models/onnx/weights.js";
import type { WeightManifest, WeightSpec } from "../models/weight-spec.js";
import { Binding } from "../runtime/binding.js";
import { Session } from "../runtime/session.js";
import { Tensor } from "../runtime/tensor.js";
import type { ModelConfig } from "../types/model-config.js";
import { largestDifference } from "./largest-difference.js";
import { type LeastRows, leastRows, MOST_COPIES, type RowDifferences } from "./row-counts.js";

/** Rows that every product is run over: as many as the root and 32 candidates of a step. */
const ROWS = 33;
/**
 * Weights of a product from which on all rows at every count take long: there a count over MOST_COPIES runs once, over as
 * many of the first rows.
 */
const LARGE = 1 << 23;

/** What the probe says about a model's products and about the matrix that turns q8's hidden states back. */
export interface ProductProbe {
  products: LeastRows;
  hidden: LeastRows;
}

/** Builds a product y [1, R, N] of x [1, R, K] in a graph. */
interface Product {
  K: number;
  N: number;
  build(weights: OnnxWeights): string;
}

/**
 * Runs one product of each shape in the model, the very operator over the very weights, for 1 to 33 rows at a time, and
 * compares every row's bits. Takes as long as a prompt of some hundred tokens.
 */
export async function probeProducts(
  config: ModelConfig,
  { manifest, directory }: { manifest: WeightManifest; directory: string },
  signal?: AbortSignal,
): Promise<ProductProbe> {
  const shapes = new Map<string, Product>();
  const hidden: RowDifferences[] = [];
  const products: RowDifferences[] = [];
  const specs = architectureOf(config).weightSpecs(config);
  const measure = (product: Product) => differencesOf(product, { manifest, directory, specs }, signal);
  for (const spec of specs) {
    if (spec.kind === "linear") {
      const build = (weights: OnnxWeights) => weights.linear("x", spec.name);
      const shape = `${spec.in}x${spec.out}`;
      if (!shapes.has(shape)) shapes.set(shape, { K: spec.in, N: spec.out, build });
    } else if (spec.kind === "hiddenBasis" && spec.name in manifest.tensors) {
      const build = (weights: OnnxWeights) => weights.graph.node("MatMul", ["x", weights.weight(spec.name)], ["y"]);
      hidden.push(await measure({ K: spec.width, N: spec.width, build }));
    }
  }
  for (const product of shapes.values()) products.push(await measure(product));
  return { products: leastRows(products), hidden: leastRows(hidden) };
}

interface Weights {
  manifest: WeightManifest;
  directory: string;
  specs: readonly WeightSpec[];
}

async function differencesOf(product: Product, weights: Weights, signal?: AbortSignal): Promise<RowDifferences> {
  const large = product.K * product.N > LARGE;
  const few: Float32Array[] = [];
  const differences: (number | undefined)[][] = Array.from({ length: MOST_COPIES }, () => []);
  using runner = await ProductRunner.open(product, weights);
  for (let count = 1; count <= ROWS; count++) {
    signal?.throwIfAborted();
    const rows = await runner.run(count, large && count > MOST_COPIES ? count : ROWS, signal);
    if (count <= MOST_COPIES) few.push(rows);
    for (const [i, reference] of few.entries()) {
      differences[i][count - 1] = largestDifference(rows, reference.subarray(0, rows.length));
    }
  }
  return differences;
}

/** One product as a session of its own. */
class ProductRunner {
  private readonly binding: Binding;
  private readonly x: Float32Array;

  private constructor(
    private readonly session: Session,
    private readonly product: Product,
  ) {
    this.binding = new Binding(session);
    this.x = testRows(product.K);
  }

  static async open(product: Product, { manifest, directory, specs }: Weights): Promise<ProductRunner> {
    const graph = new OnnxGraph();
    graph.input("x", "f32", [1, "R", product.K]);
    if (manifest.product === "MatMulIntegerToFloat") graph.input("zero_points", "u8", ["R"]);
    const result = product.build(new OnnxWeights(graph, manifest, specs));
    graph.output(result, "f32", [1, "R", product.N]);
    const session = await Session.create({ bytes: graph.build(), weightsDirectory: directory });
    return new ProductRunner(session, product);
  }

  /** The products [total, N] of the first `total` test rows, `count` at a time; the last pass goes back to have as many. */
  async run(count: number, total: number, signal?: AbortSignal): Promise<Float32Array> {
    const { K, N } = this.product;
    const rows = new Float32Array(total * N);
    for (let start = 0; start < total; start += count) {
      const first = Math.min(start, total - count);
      using x = new Tensor(this.x.subarray(first * K), [1, count, K]);
      using y = new Tensor(rows.subarray(first * N), [1, count, N]);
      using zeroPoints = new Tensor(new Uint8Array(count).fill(128), [count]);
      const inputs: Record<string, Tensor> = { x, zero_points: zeroPoints };
      this.session.inputNames.forEach((name, i) => {
        this.binding.setInput(i, inputs[name]);
      });
      this.binding.setOutput(0, y);
      await this.binding.runAsync(signal);
    }
    return rows;
  }

  [Symbol.dispose](): void {
    this.session.dispose();
  }
}

/** Rows [ROWS, K] of numbers between -1 and 1, each row with a few large ones as activations have. */
function testRows(K: number): Float32Array {
  let state = 12_345;
  return Float32Array.from({ length: ROWS * K }, (_, i) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * (i % 97 === 0 ? 8 : 1);
  });
}
