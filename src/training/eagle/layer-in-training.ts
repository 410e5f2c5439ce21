import { rotaryTables } from "../../models/rotary.js";
import { Tensor } from "../../runtime/tensor.js";
import { logitCount } from "../../types/model-config.js";
import { GraphSession, gradientOf } from "../gradient/gradient-graph.js";
import { ParameterSet } from "../parameters.js";
import { RANKS } from "./accuracy.js";
import {
  type ChainShape,
  idsOf,
  lossOf,
  measuringGraph,
  overlapOf,
  trainedWeights,
  trainingGraph,
  weightsOf,
} from "./chain-graphs.js";
import type { DraftRow } from "./sequence-cache.js";

/** What does not change: [vocabSize, hiddenSize], [draftVocabSize, hiddenSize], [vocabSize, hiddenSize]. */
export interface FrozenWeights {
  embedding: Float32Array;
  teacher: Float32Array;
  head: Float32Array;
}

/** What a measuring run gives of a step. */
export interface StepRows {
  /** [rows, ranks]: ids of the draft's vocabulary, likeliest first. */
  ids: BigInt64Array;
  /** [rows] */
  overlaps: Float32Array;
}

/** A draft layer's parameters, and the graphs of a training-time test over some sequences. */
export class LayerInTraining {
  readonly parameters: ParameterSet;
  readonly ranks: number;
  /** Half-precision floats [rows, width] of a run, filled by whoever runs. */
  readonly features: Uint16Array;
  /** What each row's loss in each step counts in a run, filled by whoever runs. */
  readonly weights: Float32Array[];
  readonly measured: StepRows[];
  private readonly integers: Record<"tokens" | "positions" | "segments", BigInt64Array>;
  private readonly losses: Float32Array[];
  private readonly tensors: Tensor[] = [];

  private constructor(
    readonly shape: ChainShape,
    frozen: FrozenWeights,
    private readonly training: GraphSession,
    private readonly measuring: GraphSession,
  ) {
    const { config, rows: R, length, steps, vocabLimit } = shape;
    const { vocabSize, hiddenSize, eagle, headDim } = config;
    const { targetHiddenSize: width, targetLayers } = eagle!;
    this.parameters = new ParameterSet(trainedWeights(shape));
    this.ranks = Math.min(RANKS, logitCount(config));
    const parts = (targetLayers.length + 1) * width;
    this.features = new Uint16Array(R * parts);
    this.bind("features", new Tensor(this.features, [R, parts], "f16"));
    const integers = (name: string, dims: number[]) => {
      const data = new BigInt64Array(R);
      this.bind(name, new Tensor(data, dims));
      return data;
    };
    this.integers = {
      tokens: integers("tokens", [R]),
      positions: integers("positions", [R / length, length]),
      segments: integers("segments", [R / length, length]),
    };
    const floats = (
      name: string,
      dims: number[],
      data: Float32Array = new Float32Array(dims.reduce((a, b) => a * b, 1)),
    ) => {
      this.bind(name, new Tensor(data, dims));
      return data;
    };
    const positions = length + steps;
    for (const [name, table] of Object.entries(rotaryTables(config, positions))) {
      floats(name, [positions, headDim / 2], table);
    }
    floats("embedding", [vocabSize, hiddenSize], frozen.embedding);
    floats("teacher", [logitCount(config), width], frozen.teacher);
    floats("head", [vocabLimit, width], frozen.head);
    const perStep = <T>(of: (step: number) => T) => Array.from({ length: steps }, (_, step) => of(step));
    this.weights = perStep((step) => floats(weightsOf(step), [R, 1]));
    this.losses = perStep((step) => floats(lossOf(step), []));
    this.measured = perStep((step) => {
      const ids = new BigInt64Array(R * this.ranks);
      this.bind(idsOf(step), new Tensor(ids, [R, this.ranks]));
      return { ids, overlaps: floats(overlapOf(step), [R, 1]) };
    });
    for (const { name } of this.parameters.specs) {
      this.bind(name, this.parameters.valueTensor(name));
      this.bind(gradientOf(name), this.parameters.gradientTensor(name));
    }
  }

  static async create(shape: ChainShape, frozen: FrozenWeights): Promise<LayerInTraining> {
    const training = await GraphSession.create(trainingGraph(shape));
    const ranks = Math.min(RANKS, logitCount(shape.config));
    const measuring = await GraphSession.create(measuringGraph(shape, ranks));
    return new LayerInTraining(shape, frozen, training, measuring);
  }

  /** The rows of a run: fewer leave what was there before. */
  setRows(rows: readonly DraftRow[]): void {
    const { tokens, positions, segments } = this.integers;
    for (const [i, { token, position, segment }] of rows.entries()) {
      tokens[i] = BigInt(token);
      positions[i] = BigInt(position);
      segments[i] = BigInt(segment);
    }
  }

  /** Adds the gradients of what was filled in. @returns each step's loss, a weighted sum */
  async addGradients(signal?: AbortSignal): Promise<number[]> {
    await this.training.run(signal);
    return this.losses.map(([loss]) => loss);
  }

  /** Fills `measured`. @returns each step's loss, a weighted sum */
  async measure(signal?: AbortSignal): Promise<number[]> {
    await this.measuring.run(signal);
    return this.losses.map(([loss]) => loss);
  }

  dispose(): void {
    this.training.dispose();
    this.measuring.dispose();
    this.parameters.dispose();
    for (const tensor of this.tensors) tensor.dispose();
  }

  private bind(name: string, tensor: Tensor): void {
    this.tensors.push(tensor);
    for (const session of [this.training, this.measuring]) session.bind(name, tensor);
  }
}
