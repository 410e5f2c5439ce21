import type { StepLosses, Trainee } from "../loop/trainee.js";
import type { ParameterGroup } from "../optimiser/parameter-groups.js";
import type { ParameterSet } from "../parameters.js";
import type { MedusaAccuracy } from "./accuracy.js";
import type { HeadsInTraining } from "./heads-in-training.js";
import { ROWS_OF_BLOCK, type RowCache } from "./row-cache.js";
import type { Settings } from "./settings.js";

/** Muon takes matrices; what is none goes by AdamW at a rate so much lower. */
const OTHER_RATE = 0.1;

/** Heads that learn from cached rows: units are blocks of rows. */
export class MedusaTrainee implements Trainee<MedusaAccuracy> {
  readonly parameters: ParameterSet;
  readonly groups: readonly ParameterGroup[];
  readonly units: number;
  readonly unitsPerStep: number;

  constructor(
    private readonly heads: HeadsInTraining,
    private readonly training: RowCache,
    private readonly validation: RowCache,
    private readonly settings: Settings,
  ) {
    const { optimiser, learningRate, weightDecay, batchSize } = settings;
    this.parameters = heads.parameters;
    this.units = training.blocks;
    this.unitsPerStep = batchSize / ROWS_OF_BLOCK;
    const names = heads.parameters.specs.map(({ name }) => name);
    const otherLearningRate = OTHER_RATE * learningRate;
    this.groups = [{ names, optimiser, learningRate, otherLearningRate, options: { weightDecay } }];
  }

  async addGradients(blocks: Uint32Array, signal?: AbortSignal): Promise<StepLosses> {
    const { heads, training, settings } = this;
    const counts = await training.countLabels(blocks);
    const weights = counts.map((count, head) => settings.headDecay ** (head + 1) / Math.max(1, count));
    const sums = new Array<number>(counts.length).fill(0);
    const perRun = heads.rows / ROWS_OF_BLOCK;
    for (let from = 0; from < blocks.length; from += perRun) {
      signal?.throwIfAborted();
      await training.read(blocks.subarray(from, from + perRun), heads);
      const losses = await heads.addGradients(weights, signal);
      losses.forEach((loss, head) => {
        sums[head] += loss;
      });
    }
    return {
      loss: sums.reduce((sum, value, head) => sum + weights[head] * value, 0),
      losses: sums.map((sum, head) => sum / Math.max(1, counts[head])),
      tokens: settings.batchSize,
    };
  }

  measure(signal?: AbortSignal): Promise<MedusaAccuracy> {
    return this.heads.measure(this.validation, signal);
  }
}
