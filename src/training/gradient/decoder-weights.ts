import type { Architecture } from "../../models/architecture.js";
import type { ModelConfig } from "../../types/model-config.js";
import { type TrainingWeight, trainingWeights } from "../checkpoint-weights.js";
import { ParameterSet, type ParameterSpec } from "../parameters.js";
import type { DecoderHead } from "./decoder-head.js";
import { adapterSpecs, type LowRank } from "./low-rank.js";

/** What of a decoder is trained. */
export interface Trained {
  /** Weights, named as of layer 0, that stay as they are: no gradients are computed or kept for them. Default: none. */
  frozen?: (name: string) => boolean;
  /** Adapters for every product of the layers. */
  adapters?: LowRank;
}

export interface DecoderWeight extends ParameterSpec {
  trained: boolean;
}

/** All weights of a decoder in training: its own, its adapters' and its head's; those that are trained in one set. */
export class DecoderWeights {
  /** Trained weights with their gradients. */
  readonly parameters: ParameterSet;
  private readonly frozen: ParameterSet;
  private readonly byName: ReadonlyMap<string, DecoderWeight>;
  private readonly aliases: ReadonlyMap<string, string>;

  /** The decoder's own weights, as its checkpoint has them. */
  readonly own: readonly TrainingWeight[];

  constructor(
    architecture: Architecture,
    config: ModelConfig,
    head: DecoderHead,
    readonly trained: Trained,
  ) {
    const { weights, aliases } = trainingWeights(architecture.weightSpecs(config));
    const frozen = (name: string) => trained.frozen?.(ofFirstLayer(name)) ?? false;
    const adapters = trained.adapters ? adapterSpecs(weights, trained.adapters) : [];
    const all = [
      ...weights.map(({ name, dims }) => ({ name, dims, trained: !frozen(name) })),
      ...adapters.map((spec) => ({ ...spec, trained: true })),
      ...head.weights,
    ];
    this.own = weights;
    this.byName = new Map(all.map((weight) => [weight.name, weight]));
    this.aliases = new Map([...aliases, ...(head.aliases ?? [])]);
    this.parameters = new ParameterSet(all.filter((weight) => weight.trained));
    this.frozen = ParameterSet.withoutGradients(all.filter((weight) => !weight.trained));
  }

  get all(): Iterable<DecoderWeight> {
    return this.byName.values();
  }

  /** The weight that a name stands for; undefined where there is none. */
  find(name: string): DecoderWeight | undefined {
    let known = name;
    for (let alias = this.aliases.get(known); alias !== undefined; alias = this.aliases.get(known)) known = alias;
    return this.byName.get(known);
  }

  /** The set that holds a weight. */
  setOf({ trained }: DecoderWeight): ParameterSet {
    return trained ? this.parameters : this.frozen;
  }

  /** The numbers of a weight, a view. */
  valuesOf(name: string): Float32Array {
    const weight = this.find(name)!;
    return this.setOf(weight).valuesOf(weight.name);
  }

  dispose(): void {
    this.parameters.dispose();
    this.frozen.dispose();
  }
}

/** "layers.7.o" as layer 0 has it: graphs are made for that one. */
export const ofFirstLayer = (name: string) => name.replace(/^layers\.\d+\./, "layers.0.");
