import type { Feature } from "../../src/engine/rows.js";
import type { TensorSource } from "../../src/formats/tensor-source.js";
import type { Ops } from "../../src/models/ops.js";
import { rotaryTables } from "../../src/models/rotary.js";
import type { WeightSpec } from "../../src/models/weight-spec.js";
import type { ModelConfig } from "../../src/types/model-config.js";

type Matrix = Float64Array[];

/** Weights as one list of rows each, in the order of the spec's parts. */
export async function readWeights(source: TensorSource, specs: readonly WeightSpec[]): Promise<Map<string, Matrix>> {
  const weights = new Map<string, Matrix>();
  for (const spec of specs) {
    if (spec.kind === "hiddenBasis") continue;
    const parts = spec.kind === "embedding" ? [{ tensor: spec.tensor, out: spec.rows }] : spec.parts;
    const width = spec.kind === "linear" ? spec.in : spec.kind === "embedding" ? spec.columns : 1;
    const rows: Matrix = [];
    for (const { tensor, out } of parts) {
      const values = new Float32Array(out * width);
      await source.readRows(tensor, 0, out, values);
      for (let i = 0; i < out; i++) rows.push(Float64Array.from(values.subarray(i * width, (i + 1) * width)));
    }
    weights.set(spec.name, spec.kind === "vector" ? [Float64Array.from(rows, ([value]) => value)] : rows);
  }
  return weights;
}

/** `Ops` over plain numbers, one sequence from its beginning: slow, and free of everything that the engine does. */
export class PlainOps implements Ops<Matrix> {
  constructor(
    private readonly weights: ReadonlyMap<string, Matrix>,
    private readonly config: ModelConfig,
    private readonly tokens: readonly number[],
    /** For a draft layer: what each row reads beside its token. */
    private readonly read: readonly Feature[] = [],
  ) {}

  embed(weight: string): Matrix {
    return this.tokens.map((token) => this.weights.get(weight)![token]);
  }

  linear(x: Matrix, weight: string): Matrix {
    const bias = this.weights.get(`${weight}.bias`)?.[0];
    return x.map((row) => Float64Array.from(this.weights.get(weight)!, (w, i) => dot(row, w) + (bias?.[i] ?? 0)));
  }

  residualNorm(sum: Matrix, update: Matrix | undefined, weight: string, epsilon: number) {
    const next = update ? this.add(sum, update) : sum;
    const gain = this.weights.get(weight)![0];
    const normed = next.map((row) => {
      const scale = 1 / Math.sqrt(dot(row, row) / row.length + epsilon);
      return row.map((value, i) => value * scale * gain[i]);
    });
    return { sum: next, normed };
  }

  attention(qkv: Matrix): Matrix {
    const { numHeads, numKvHeads, headDim } = this.config;
    const head = (row: number, h: number) => qkv[row].subarray(h * headDim, (h + 1) * headDim);
    return qkv.map((_, row) => {
      const heads = Array.from({ length: numHeads }, (_, h) => {
        const group = numHeads + Math.floor((h * numKvHeads) / numHeads);
        const query = this.turn(head(row, h), row);
        const scores = Array.from({ length: row + 1 }, (_, past) =>
          Math.exp(dot(query, this.turn(head(past, group), past)) / Math.sqrt(headDim)),
        );
        const total = scores.reduce((a, b) => a + b);
        const out = new Float64Array(headDim);
        scores.forEach((score, past) => {
          head(past, group + numKvHeads).forEach((value, i) => {
            out[i] += (score / total) * value;
          });
        });
        return [...out];
      });
      return Float64Array.from(heads.flat());
    });
  }

  swiglu(gate: Matrix, up: Matrix): Matrix {
    return this.silu(gate).map((row, r) => row.map((value, i) => value * up[r][i]));
  }

  silu(x: Matrix): Matrix {
    return x.map((row) => row.map((value) => value / (1 + Math.exp(-value))));
  }

  add(x: Matrix, y: Matrix): Matrix {
    return x.map((row, r) => row.map((value, i) => value + y[r][i]));
  }

  join(parts: readonly Matrix[]): Matrix {
    return parts[0].map((_, r) => Float64Array.from(parts.flatMap((part) => [...part[r]])));
  }

  targetStreams(): Matrix[] {
    const { targetLayers, targetHiddenSize: width } = this.config.eagle!;
    const none = new Float32Array(targetLayers.length * width);
    return targetLayers.map((_, i) =>
      this.read.map((feature) =>
        Float64Array.from(("streams" in feature ? feature.streams : none).subarray(i * width, (i + 1) * width)),
      ),
    );
  }

  features(fused: Matrix): Matrix {
    return this.read.map((feature, r) => ("guess" in feature ? Float64Array.from(feature.guess) : fused[r]));
  }

  /** A head's vector at its rotary position. */
  private turn(vector: Float64Array, position: number): Float64Array {
    const { cos, sin } = rotaryTables(this.config, position + 1);
    const half = vector.length / 2;
    return vector.map((value, i) => {
      const at = position * half + (i % half);
      return value * cos[at] + (i < half ? -vector[i + half] : vector[i - half]) * sin[at];
    });
  }
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}
