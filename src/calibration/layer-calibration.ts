import type { Architecture } from "../models/architecture.js";
import type { LinearSpec } from "../models/weight-spec.js";
import { type TrainingWeight, trainingWeights } from "../training/checkpoint-weights.js";
import { GraphSession } from "../training/gradient/gradient-graph.js";
import type { ModelConfig } from "../types/model-config.js";
import type { CalibrationText } from "./calibration-text.js";
import { roundCompensated } from "./compensated-rounding.js";
import { damp, errorFactor, inverseOfTriangle } from "./gram-factor.js";
import { LayerStream, type LayerWeights } from "./layer-stream.js";
import { ProductGraphs, type ProductGroup } from "./product-graphs.js";
import { type Matrix, ProductSession } from "./product-session.js";

/**
 * Rounds a decoder's products layer by layer. Two residual streams of the calibration text go through it: one in the model as it
 * was, one in the rounded model. Each product is rounded so that what it makes of the second comes nearest to what it made
 * of the first (Li et al. 2025, GPTAQ): errors of all that came before are made good too.
 */
export class LayerCalibration {
  private constructor(
    private readonly original: LayerStream,
    private readonly rounded: LayerStream,
    private readonly groups: readonly { group: ProductGroup; inputs: GraphSession }[],
    private readonly layer: GraphSession,
    private readonly gram: ProductSession,
    private readonly product: ProductSession,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** @param rows the text's embeddings [tokens, hiddenSize] */
  static async create(
    architecture: Architecture,
    config: ModelConfig,
    text: CalibrationText,
    rows: Float32Array,
    signal?: AbortSignal,
  ): Promise<LayerCalibration> {
    const specs = architecture.weightSpecs(config);
    const graphs = new ProductGraphs(architecture, config, layerWeights(architecture, config, 0), text.length);
    const groups = graphs.groups(specs.filter((spec): spec is LinearSpec => spec.kind === "linear"));
    const sessions = groups.map(async (group) => ({
      group,
      inputs: await GraphSession.create(graphs.inputsOf(group)),
    }));
    return new LayerCalibration(
      new LayerStream(rows.slice(), config, text),
      new LayerStream(rows, config, text),
      await Promise.all(sessions),
      await GraphSession.create(graphs.layer()),
      await ProductSession.create(true),
      await ProductSession.create(false),
      signal,
    );
  }

  /**
   * Rounds the next layer.
   * @param weights by their names in layer 0
   * @param names the products that are rounded
   * @returns the weights with those of its products rounded
   */
  async next(weights: LayerWeights, names: ReadonlySet<string>): Promise<LayerWeights> {
    const { original, rounded, layer, signal } = this;
    const changed = new Map(
      Array.from(weights, ([name, { values, dims }]) => [name, { values: values.slice(), dims }]),
    );
    original.setWeights(weights);
    rounded.setWeights(changed);
    for (const { group, inputs } of this.groups) {
      const products = group.products.filter((product) => names.has(product));
      if (products.length === 0) continue;
      const n = group.in;
      const { gram, drift } = await this.moments(inputs, n);
      damp(gram, n);
      const factor = errorFactor(gram, n);
      const inverse = { values: inverseOfTriangle(factor, n), dims: [n, n] } as const;
      const driftOfTerms = await this.product.run({ values: drift, dims: [n, n] }, inverse, signal);
      for (const name of products) {
        const { values, dims } = changed.get(name)!;
        const matrix = { values, dims: [dims[0], n] } as const;
        const offsets = await this.product.run(matrix, driftOfTerms, signal);
        await roundCompensated(matrix, factor, offsets, this.product, signal);
      }
    }
    await original.advance(layer, signal);
    await rounded.advance(layer, signal);
    return changed;
  }

  /** How far the rounded model's residual stream is from the original's, relative to that. */
  get error(): number {
    return this.rounded.distance(this.original);
  }

  dispose(): void {
    this.original.dispose();
    this.rounded.dispose();
    for (const { inputs } of this.groups) inputs.dispose();
    for (const session of [this.layer, this.gram, this.product]) session.dispose();
  }

  /** X^T X and (X0 - X)^T X, [n, n], of the rows X that products read in the rounded model, and X0 in the original. */
  private async moments(inputs: GraphSession, n: number): Promise<{ gram: Float64Array; drift: Float32Array }> {
    const { original, rounded, signal } = this;
    const sums = { gram: new Float64Array(n * n), drift: new Float32Array(n * n) };
    for (let part = 0; part < rounded.parts; part++) {
      const x = await rounded.compute(inputs, part, n, signal);
      const difference = await original.compute(inputs, part, n, signal);
      for (let i = 0; i < x.values.length; i++) difference.values[i] -= x.values[i];
      addTo(sums.gram, await this.gram.run(x, x, signal));
      addTo(sums.drift, await this.gram.run(difference, x, signal));
    }
    return sums;
  }
}

/** The weights of a layer, as its checkpoint has them. */
export function layerWeights(architecture: Architecture, config: ModelConfig, layer: number): TrainingWeight[] {
  const { weights } = trainingWeights(architecture.weightSpecs(config));
  return weights.filter(({ name }) => name.startsWith(`layers.${layer}.`));
}

function addTo(sum: Float64Array | Float32Array, { values }: Matrix): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}
