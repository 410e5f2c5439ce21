import { rotaryTables } from "../models/rotary.js";
import { Tensor } from "../runtime/tensor.js";
import type { GraphSession } from "../training/gradient/gradient-graph.js";
import type { ModelConfig } from "../types/model-config.js";
import type { CalibrationText } from "./calibration-text.js";
import type { Matrix } from "./product-session.js";

/** Tokens that are computed at once. */
const BATCH_TOKENS = 1024;

/** A layer's weights by their names in layer 0. */
export type LayerWeights = ReadonlyMap<string, { values: Float32Array; dims: readonly number[] }>;

/** The calibration text's residual stream before a layer, and the weights of that layer. */
export class LayerStream {
  private readonly batches: { x: Tensor; positions: Tensor; segments: Tensor }[];
  private readonly tables: Tensor[];
  private weights: [name: string, tensor: Tensor][] = [];

  /** @param rows [tokens, hiddenSize], changed in place */
  constructor(
    private readonly rows: Float32Array,
    { hiddenSize, headDim, ...config }: ModelConfig,
    { positions, segments, length }: CalibrationText,
  ) {
    const tokens = positions.length;
    const most = Math.max(1, Math.floor(BATCH_TOKENS / length)) * length;
    this.batches = Array.from({ length: Math.ceil(tokens / most) }, (_, i) => {
      const [from, to] = [i * most, Math.min(tokens, (i + 1) * most)];
      const integers = (data: BigInt64Array) => new Tensor(data.subarray(from, to), [(to - from) / length, length]);
      return {
        x: new Tensor(rows.subarray(from * hiddenSize, to * hiddenSize), [to - from, hiddenSize]),
        positions: integers(positions),
        segments: integers(segments),
      };
    });
    const { cos, sin } = rotaryTables({ hiddenSize, headDim, ...config }, length);
    this.tables = [cos, sin].map((table) => new Tensor(table, [length, headDim / 2]));
  }

  /** Parts of the text that are computed one after the other. */
  get parts(): number {
    return this.batches.length;
  }

  /** The layer that comes next. The arrays may be changed until the next one. */
  setWeights(weights: LayerWeights): void {
    for (const [, tensor] of this.weights) tensor.dispose();
    this.weights = Array.from(weights, ([name, { values, dims }]) => [name, new Tensor(values, dims)]);
  }

  /** Computes a part as far as the graph goes. @returns rows [tokens, width] */
  async compute(graph: GraphSession, part: number, width: number, signal?: AbortSignal): Promise<Matrix> {
    const { x, ...places } = this.batches[part];
    const [cos, sin] = this.tables;
    const dims = [x.dims[0], width] as const;
    const y = new Tensor(new Float32Array(dims[0] * width), dims);
    const bound = { x, y, cos, sin, ...places, ...Object.fromEntries(this.weights) };
    for (const [name, tensor] of Object.entries(bound)) graph.bind(name, tensor);
    await graph.run(signal);
    y.dispose();
    return { values: y.data as Float32Array, dims };
  }

  /** Takes all rows through the layer. */
  async advance(layer: GraphSession, signal?: AbortSignal): Promise<void> {
    for (const [part, { x }] of this.batches.entries()) {
      (x.data as Float32Array).set((await this.compute(layer, part, x.dims[1], signal)).values);
    }
  }

  /** How far the rows are from others, relative to those: |rows - others| / |others|. */
  distance({ rows: others }: LayerStream): number {
    let [difference, size] = [0, 0];
    for (let i = 0; i < others.length; i++) {
      difference += (this.rows[i] - others[i]) ** 2;
      size += others[i] ** 2;
    }
    return Math.sqrt(difference / size);
  }

  dispose(): void {
    for (const batch of this.batches) for (const tensor of Object.values(batch)) tensor.dispose();
    for (const tensor of this.tables) tensor.dispose();
    for (const [, tensor] of this.weights) tensor.dispose();
  }
}
