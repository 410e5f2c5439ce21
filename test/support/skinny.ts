import { TiledWeight } from "../../src/conversion/tiled-weight.js";
import { toFloat32 } from "../../src/formats/half-floats.js";
import { OnnxGraph } from "../../src/formats/onnx/onnx-writer.js";
import { TILE } from "../../src/models/weight-spec.js";
import { Binding } from "../../src/runtime/binding.js";
import { Session } from "../../src/runtime/session.js";
import { Tensor } from "../../src/runtime/tensor.js";

export interface SkinnyShape {
  K: number;
  N: number;
  dtype: "q4" | "q8";
}

/** Numbers between -1 and 1, some of them larger, the same in every process. */
export function numbers(length: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, (_, i) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * (i % 97 === 0 ? 8 : 1);
  });
}

/** One SkinnyMatMul over weights [N, K] as a session of its own. */
export class SkinnyProduct {
  private constructor(
    private readonly session: Session,
    private readonly shape: SkinnyShape,
  ) {}

  static async open(shape: SkinnyShape, weights: TiledWeight, bias?: Float32Array): Promise<SkinnyProduct> {
    const { K, N, dtype } = shape;
    const g = new OnnxGraph();
    g.input("x", "f32", [1, "R", K]);
    const inputs = ["x", g.initializer("w", "u8", weights.shape, weights.data)];
    if (bias) inputs.push(g.initializer("b", "f32", [bias.length], bias));
    g.node("SkinnyMatMul", inputs, ["y"], { K, N, bits: dtype === "q4" ? 4 : 8 }, "foretoken");
    g.output("y", "f32", [1, "R", N]);
    return new SkinnyProduct(await Session.create({ bytes: g.build() }), shape);
  }

  run(x: Float32Array, rows: number): Float32Array {
    const { K, N } = this.shape;
    const y = new Float32Array(rows * N);
    using input = new Tensor(x, [1, rows, K]);
    using output = new Tensor(y, [1, rows, N]);
    const binding = new Binding(this.session);
    binding.setInput(0, input);
    binding.setOutput(0, output);
    binding.run();
    return y;
  }

  [Symbol.dispose](): void {
    this.session.dispose();
  }
}

export function tiled({ K, N, dtype }: SkinnyShape, weights: Float32Array): TiledWeight {
  const tiles = new TiledWeight(K, N, dtype);
  tiles.put(weights, 0, N);
  return tiles;
}

/** The weights [N, K] that tiles stand for, read from their description in native/src/product.h. */
export function untiled({ K, N, dtype }: SkinnyShape, { data, shape }: TiledWeight): Float32Array {
  const [, blocks, bytes] = shape;
  const four = dtype === "q4";
  const codes = four ? 256 : 512;
  const halves = new Float32Array(four ? 32 : 16);
  return Float32Array.from({ length: N * K }, (_, index) => {
    const [n, k] = [Math.floor(index / K), index % K];
    const at = (Math.floor(n / TILE.outputs) * blocks + Math.floor(k / TILE.inputs)) * bytes;
    const [j, i] = [n % TILE.outputs, k % TILE.inputs];
    toFloat32("F16", data.slice(at + codes, at + bytes), halves);
    if (!four) return halves[j] * (data[at + (i >> 2) * 64 + 4 * j + (i & 3)] - 128);
    const nibble = (data[at + (i >> 3) * 64 + 4 * j + (i & 3)] >> (i & 4)) & 15;
    return halves[j] * nibble + halves[16 + j];
  });
}

/** x W^T + bias in double precision, with x rounded to signed bytes for each 32 inputs as the operator does. */
export function reference({ K, N }: SkinnyShape, x: Float32Array, rows: number, w: Float32Array, bias?: Float32Array) {
  const y = new Float64Array(rows * N);
  const rounded = new Float64Array(K);
  for (let r = 0; r < rows; r++) {
    for (let start = 0; start < K; start += TILE.inputs) {
      const block = x.subarray(r * K + start, r * K + Math.min(K, start + TILE.inputs));
      const max = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const inverse = Math.fround(127 / max);
      block.forEach((value, i) => {
        rounded[start + i] = max === 0 ? 0 : Math.fround(max / 127) * halfToEven(Math.fround(value * inverse));
      });
    }
    for (let n = 0; n < N; n++) {
      let sum = bias?.[n] ?? 0;
      for (let k = 0; k < K; k++) sum += rounded[k] * w[n * K + k];
      y[r * N + n] = sum;
    }
  }
  return y;
}

function halfToEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}
