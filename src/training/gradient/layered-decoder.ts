import type { Architecture } from "../../models/architecture.js";
import { rotaryTables } from "../../models/rotary.js";
import { Tensor } from "../../runtime/tensor.js";
import type { ModelConfig } from "../../types/model-config.js";
import type { ParameterSet } from "../parameters.js";
import type { DecoderHead } from "./decoder-head.js";
import { DecoderWeights, ofFirstLayer, type Trained } from "./decoder-weights.js";
import { GraphSession, gradientOf } from "./gradient-graph.js";
import { HeadRuns } from "./head-runs.js";
import { LayerGraphs } from "./layer-graphs.js";

type Part = "embedding" | "embeddingBack" | "layer" | "layerBack" | "head" | "headBack";

export interface DecoderParts extends Trained {
  architecture: Architecture;
  config: ModelConfig;
  head: DecoderHead;
  /** Sequences of a run. */
  batch: number;
  /** Tokens of each. */
  length: number;
}

/**
 * A whole decoder in training, layer by layer: of the way forward only each layer's incoming rows are kept, [layers + 1, rows,
 * hiddenSize]; the way back computes the inside of one layer at a time again. One graph serves all layers.
 */
export class LayeredDecoder {
  /** What a run reads, [batch, length]: fill before each, as the head's inputs. */
  readonly ids: BigInt64Array;
  readonly positions: BigInt64Array;
  readonly segments: BigInt64Array;
  private readonly tensors = new Map<string, Tensor>();
  private readonly rows: Tensor[];
  private readonly gradients: [Tensor, Tensor];
  private readonly headRuns: HeadRuns;

  private constructor(
    { config, head, batch, length }: DecoderParts,
    readonly weights: DecoderWeights,
    private readonly parts: Readonly<Record<Exclude<Part, "embeddingBack">, GraphSession>> & {
      embeddingBack?: GraphSession;
    },
  ) {
    const [count, D] = [batch * length, config.hiddenSize];
    const integers = (name: string, dims: number[]) => {
      const data = new BigInt64Array(count);
      this.tensors.set(name, new Tensor(data, dims));
      return data;
    };
    this.ids = integers("ids", [count]);
    this.positions = integers("positions", [batch, length]);
    this.segments = integers("segments", [batch, length]);
    const rows = () => new Tensor(new Float32Array(count * D), [count, D]);
    this.rows = Array.from({ length: config.numLayers + 1 }, rows);
    this.gradients = [rows(), rows()];
    const { cos, sin } = rotaryTables(config, length);
    this.tensors.set("cos", new Tensor(cos, [length, config.headDim / 2]));
    this.tensors.set("sin", new Tensor(sin, [length, config.headDim / 2]));
    for (const weight of weights.all) {
      const set = weights.setOf(weight);
      this.tensors.set(weight.name, set.valueTensor(weight.name));
      if (weight.trained) this.tensors.set(gradientOf(weight.name), set.gradientTensor(weight.name));
    }
    for (const part of Object.values(parts)) for (const [name, tensor] of this.tensors) part?.bind(name, tensor);
    this.headRuns = new HeadRuns(head, parts, this.rows.at(-1)!, this.gradients[0]);
  }

  static async create(made: DecoderParts): Promise<LayeredDecoder> {
    const { architecture, config, head, length } = made;
    const weights = new DecoderWeights(architecture, config, head, made);
    const graphs = new LayerGraphs(architecture, config, weights, head, length);
    const names: Part[] = ["embedding", "layer", "layerBack", "head", "headBack"];
    if (weights.find("embedding")!.trained) names.push("embeddingBack");
    const parts = await Promise.all(
      names.map(async (name) => [name, await GraphSession.create(graphs[name]())] as const),
    );
    return new LayeredDecoder(made, weights, Object.fromEntries(parts) as Record<Part, GraphSession>);
  }

  /** What is trained. */
  get parameters(): ParameterSet {
    return this.weights.parameters;
  }

  /** An input of the head: [rows] or [rows, width] in the order of `ids`. */
  floats(input: string): Float32Array {
    return this.headRuns.input(input) as Float32Array;
  }

  /** An input of the head that holds integers. */
  integers(input: string): BigInt64Array {
    return this.headRuns.input(input) as BigInt64Array;
  }

  /** What the last `measure` found of each row. */
  measured(name: string): Float32Array {
    return this.headRuns.measured(name);
  }

  /**
   * Adds the gradients of the head's losses over the batch.
   * @param weights what each loss, a sum over rows, counts
   * @returns the sums
   */
  async addGradients(weights: Readonly<Record<string, number>>, signal?: AbortSignal): Promise<Record<string, number>> {
    const { layerBack, embeddingBack } = this.parts;
    await this.forward(signal);
    const losses = await this.headRuns.addGradients(weights, signal);
    let [into, from] = this.gradients;
    for (let i = this.rows.length - 2; i >= 0; i--) {
      [into, from] = [from, into];
      this.bindLayer(layerBack, i);
      layerBack.bind("dy", from);
      layerBack.bind("dx", into);
      await layerBack.run(signal);
    }
    embeddingBack?.bind("dy", into);
    await embeddingBack?.run(signal);
    return losses;
  }

  /** The sums of the losses; what else the head measures of rows is in `measured` afterwards. */
  async measure(signal?: AbortSignal): Promise<Record<string, number>> {
    await this.forward(signal);
    return this.headRuns.measure(signal);
  }

  dispose(): void {
    for (const part of Object.values(this.parts)) part?.dispose();
    for (const tensor of [...this.tensors.values(), ...this.rows, ...this.gradients]) tensor.dispose();
    this.headRuns.dispose();
    this.weights.dispose();
  }

  private async forward(signal?: AbortSignal): Promise<void> {
    const { embedding, layer } = this.parts;
    embedding.bind("y", this.rows[0]);
    await embedding.run(signal);
    for (let i = 0; i < this.rows.length - 1; i++) {
      this.bindLayer(layer, i);
      layer.bind("y", this.rows[i + 1]);
      await layer.run(signal);
    }
  }

  /** The rows and weights of a layer, under the names of layer 0. */
  private bindLayer(part: GraphSession, layer: number): void {
    part.bind("x", this.rows[layer]);
    for (const weight of this.weights.all) {
      if (!weight.name.startsWith(`layers.${layer}.`)) continue;
      const name = ofFirstLayer(weight.name);
      part.bind(name, this.tensors.get(weight.name)!);
      if (weight.trained) part.bind(gradientOf(name), this.tensors.get(gradientOf(weight.name))!);
    }
  }
}
