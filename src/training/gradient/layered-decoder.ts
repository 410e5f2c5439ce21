import type { Architecture } from "../../models/architecture.js";
import { rotaryTables } from "../../models/rotary.js";
import { Tensor } from "../../runtime/tensor.js";
import type { ModelConfig } from "../../types/model-config.js";
import { type TrainingWeight, trainingWeights } from "../checkpoint-weights.js";
import { ParameterSet } from "../parameters.js";
import { GraphSession, gradientOf } from "./gradient-graph.js";
import { LayerGraphs } from "./layer-graphs.js";

type Part = "embedding" | "embeddingBack" | "layer" | "layerBack" | "headBack";

/**
 * A whole decoder in training, layer by layer: of the way forward only each layer's incoming rows are kept, [layers + 1, rows,
 * hiddenSize]; the way back computes the inside of one layer at a time again. One graph serves all layers.
 */
export class LayeredDecoder {
  readonly parameters: ParameterSet;
  /** What a step reads, [batch, length]: fill before each. Labels below 0 are ignored. */
  readonly ids: BigInt64Array;
  readonly labels: BigInt64Array;
  readonly positions: BigInt64Array;
  readonly segments: BigInt64Array;
  private readonly tensors = new Map<string, Tensor>();
  private readonly rows: Tensor[];
  private readonly gradients: [Tensor, Tensor];
  private readonly weight = new Float32Array(1);
  private readonly loss = new Float32Array(1);

  private constructor(
    private readonly config: ModelConfig,
    weights: readonly TrainingWeight[],
    private readonly parts: Readonly<Record<Part, GraphSession>>,
    batch: number,
    length: number,
  ) {
    this.parameters = new ParameterSet(weights);
    const [count, D] = [batch * length, config.hiddenSize];
    const integers = (name: string, dims: number[]) => {
      const data = new BigInt64Array(count);
      this.tensors.set(name, new Tensor(data, dims));
      return data;
    };
    this.ids = integers("ids", [count]);
    this.labels = integers("labels", [count]);
    this.positions = integers("positions", [batch, length]);
    this.segments = integers("segments", [batch, length]);
    const rows = () => new Tensor(new Float32Array(count * D), [count, D]);
    this.rows = Array.from({ length: config.numLayers + 1 }, rows);
    this.gradients = [rows(), rows()];
    const { cos, sin } = rotaryTables(config, length);
    this.tensors.set("cos", new Tensor(cos, [length, config.headDim / 2]));
    this.tensors.set("sin", new Tensor(sin, [length, config.headDim / 2]));
    this.tensors.set("weight", new Tensor(this.weight, []));
    this.tensors.set("loss", new Tensor(this.loss, []));
    for (const { name } of weights) {
      this.tensors.set(name, this.parameters.valueTensor(name));
      this.tensors.set(gradientOf(name), this.parameters.gradientTensor(name));
    }
    for (const part of Object.values(parts)) for (const [name, tensor] of this.tensors) part.bind(name, tensor);
  }

  static async create(
    architecture: Architecture,
    config: ModelConfig,
    batch: number,
    length: number,
  ): Promise<LayeredDecoder> {
    const { weights, aliases } = trainingWeights(architecture.weightSpecs(config));
    const graphs = new LayerGraphs(architecture, config, weights, aliases, length);
    const names: readonly Part[] = ["embedding", "embeddingBack", "layer", "layerBack", "headBack"];
    const parts = await Promise.all(
      names.map(async (name) => [name, await GraphSession.create(graphs[name]())] as const),
    );
    return new LayeredDecoder(config, weights, Object.fromEntries(parts) as Record<Part, GraphSession>, batch, length);
  }

  /**
   * Adds the gradients of the cross-entropy over the batch, a sum over rows that counts `weight`.
   * @returns the sum
   */
  async addGradients(weight: number, signal?: AbortSignal): Promise<number> {
    const { embedding, embeddingBack, layer, layerBack, headBack } = this.parts;
    const { numLayers } = this.config;
    this.weight[0] = weight;
    embedding.bind("y", this.rows[0]);
    await embedding.run(signal);
    for (let i = 0; i < numLayers; i++) {
      this.bindLayer(layer, i);
      layer.bind("y", this.rows[i + 1]);
      await layer.run(signal);
    }
    let [into, from] = this.gradients;
    headBack.bind("x", this.rows[numLayers]);
    headBack.bind("dx", into);
    await headBack.run(signal);
    for (let i = numLayers - 1; i >= 0; i--) {
      [into, from] = [from, into];
      this.bindLayer(layerBack, i);
      layerBack.bind("dy", from);
      layerBack.bind("dx", into);
      await layerBack.run(signal);
    }
    embeddingBack.bind("dy", into);
    await embeddingBack.run(signal);
    return this.loss[0];
  }

  dispose(): void {
    for (const part of Object.values(this.parts)) part.dispose();
    for (const tensor of [...this.tensors.values(), ...this.rows, ...this.gradients]) tensor.dispose();
  }

  /** The rows and weights of a layer, under the names of layer 0. */
  private bindLayer(part: GraphSession, layer: number): void {
    part.bind("x", this.rows[layer]);
    for (const [name, tensor] of this.tensors) {
      const [place, number] = /layers\.(\d+)\./.exec(name) ?? [];
      if (Number(number) === layer) part.bind(name.replace(place!, "layers.0."), tensor);
    }
  }
}
