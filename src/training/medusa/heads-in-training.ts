import { Tensor } from "../../runtime/tensor.js";
import { GraphSession, gradientOf } from "../gradient/gradient-graph.js";
import { ParameterSet } from "../parameters.js";
import { accuracyOf, type MedusaAccuracy, RANKS } from "./accuracy.js";
import { type HeadShape, headMeasuringGraph, headParameters, headTrainingGraph, ofHead } from "./head-graph.js";
import { IGNORED, ROWS_OF_BLOCK, type RowCache, UNNAMED } from "./row-cache.js";

/** All heads' parameters, and the graphs that give their losses, gradients and candidates: one for every head. */
export class HeadsInTraining {
  readonly parameters: ParameterSet;
  /** Rows of a run, filled by whoever runs: hidden [rows, D], labels of every head [rows, heads]. */
  readonly hidden: Float32Array;
  readonly labels: Int32Array;
  private readonly headLabels: BigInt64Array;
  private readonly loss = new Float32Array(1);
  private readonly weight = new Float32Array(1);
  private readonly ids: BigInt64Array;
  private readonly ranks: number;
  private readonly shared: Record<string, Tensor>;
  private readonly own: Record<string, Tensor>[];

  private constructor(
    readonly shape: HeadShape,
    readonly heads: number,
    readonly rows: number,
    lmHead: Float32Array,
    private readonly training: GraphSession,
    private readonly measuring: GraphSession,
  ) {
    const { hiddenSize: D, vocabSize: V } = shape;
    const specs = headParameters(shape);
    const perHead = Array.from({ length: heads }, (_, head) =>
      specs.map(({ name, dims }) => ({ name: ofHead(name, head), dims })),
    );
    this.parameters = new ParameterSet(perHead.flat());
    this.ranks = Math.min(RANKS, shape.vocabLimit);
    this.hidden = new Float32Array(rows * D);
    this.labels = new Int32Array(rows * heads);
    this.headLabels = new BigInt64Array(rows);
    this.ids = new BigInt64Array(rows * this.ranks);
    this.shared = {
      hidden: new Tensor(this.hidden, [rows, D]),
      labels: new Tensor(this.headLabels, [rows]),
      loss: new Tensor(this.loss, []),
      weight: new Tensor(this.weight, []),
      ids: new Tensor(this.ids, [rows, this.ranks]),
      "shared.lm_head": new Tensor(lmHead, [V, D]),
    };
    for (const [name, tensor] of Object.entries(this.shared)) {
      for (const session of [training, measuring]) session.bind(name, tensor);
    }
    this.own = perHead.map((_, head) =>
      Object.fromEntries(
        specs.flatMap(({ name }) => {
          const full = ofHead(name, head);
          return [
            [name, this.parameters.valueTensor(full)],
            [gradientOf(name), this.parameters.gradientTensor(full)],
          ];
        }),
      ),
    );
    // Blocks start at 0, so that a head begins as the base's own output product (Cai et al. 2024, section 3.1).
    for (const { name } of this.parameters.specs) {
      if (name.endsWith("lm_head")) this.parameters.valuesOf(name).set(lmHead);
    }
  }

  /** @param rows of a run: memory grows with them */
  static async create(shape: HeadShape, heads: number, rows: number, lmHead: Float32Array): Promise<HeadsInTraining> {
    const training = await GraphSession.create(headTrainingGraph(shape));
    const measuring = await GraphSession.create(headMeasuringGraph(shape, Math.min(RANKS, shape.vocabLimit)));
    return new HeadsInTraining(shape, heads, rows, lmHead, training, measuring);
  }

  /**
   * Adds the gradients of the rows that lie in `hidden` and `labels`.
   * @param weights what each head's loss, a sum over rows, counts
   * @returns each head's loss
   */
  async addGradients(weights: readonly number[], signal?: AbortSignal): Promise<number[]> {
    const losses: number[] = [];
    for (const [head, weight] of weights.entries()) {
      this.weight[0] = weight;
      losses.push(await this.run(this.training, head, signal));
    }
    return losses;
  }

  /** Measures the heads on the whole runs that the cache holds. */
  async measure(cache: RowCache, signal?: AbortSignal): Promise<MedusaAccuracy> {
    const counts = this.own.map(() => ({ loss: 0, labels: 0, named: 0, right: new Array<number>(this.ranks).fill(0) }));
    const blocks = this.rows / ROWS_OF_BLOCK;
    for (let from = 0; from + blocks <= cache.blocks; from += blocks) {
      await cache.read(
        Array.from({ length: blocks }, (_, i) => from + i),
        this,
      );
      for (const [head, count] of counts.entries()) {
        count.loss += await this.run(this.measuring, head, signal);
        for (let row = 0; row < this.rows; row++) {
          const label = this.headLabels[row];
          if (label === BigInt(IGNORED)) continue;
          count.labels++;
          if (label === BigInt(UNNAMED)) continue;
          count.named++;
          const rank = this.ids.subarray(row * this.ranks, (row + 1) * this.ranks).indexOf(label);
          if (rank >= 0) count.right[rank]++;
        }
      }
    }
    return accuracyOf(counts);
  }

  dispose(): void {
    this.training.dispose();
    this.measuring.dispose();
    this.parameters.dispose();
    for (const tensor of Object.values(this.shared)) tensor.dispose();
  }

  private async run(session: GraphSession, head: number, signal?: AbortSignal): Promise<number> {
    for (const [name, tensor] of Object.entries(this.own[head])) session.bind(name, tensor);
    for (let row = 0; row < this.rows; row++) this.headLabels[row] = BigInt(this.labels[row * this.heads + head]);
    await session.run(signal);
    return this.loss[0];
  }
}
