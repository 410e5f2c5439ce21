import { RuntimeError } from "../../types/errors.js";
import type { Checkpoints } from "../checkpoints.js";
import { ParameterGroups } from "../optimiser/parameter-groups.js";
import { scheduleFactor } from "../optimiser/schedule.js";
import { shuffled } from "../shuffle.js";
import type { MedusaAccuracy } from "./accuracy.js";
import type { HeadsInTraining } from "./heads-in-training.js";
import { DivergenceError } from "./options.js";
import { ROWS_OF_BLOCK, type RowCache } from "./row-cache.js";
import { type Settings, sameSettings, settingsKey } from "./settings.js";

/** Muon takes matrices; what is none goes by AdamW at a rate so much lower. */
const OTHER_RATE = 0.1;

export interface LoopOptions {
  heads: HeadsInTraining;
  training: RowCache;
  validation: RowCache;
  checkpoints: Checkpoints;
  settings: Settings;
  steps: number;
}

/** Steps over the cached rows, with validation and checkpoints on the way. Everything follows from the step's number. */
export class TrainingLoop {
  private step = 0;
  private before: MedusaAccuracy | undefined;
  private savedAt = Date.now();
  private order: { epoch: number; blocks: Uint32Array } | undefined;

  private constructor(
    private readonly options: LoopOptions,
    private readonly groups: ParameterGroups,
  ) {}

  static async create(options: LoopOptions): Promise<TrainingLoop> {
    const { heads, settings } = options;
    const { optimiser, learningRate, weightDecay, maxGradientNorm } = settings;
    const names = heads.parameters.specs.map(({ name }) => name);
    const otherLearningRate = OTHER_RATE * learningRate;
    const group = { names, optimiser, learningRate, otherLearningRate, options: { weightDecay } };
    return new TrainingLoop(options, await ParameterGroups.create(heads.parameters, [group], maxGradientNorm));
  }

  /** Goes on from a checkpoint. @throws ForetokenError where it is of other settings */
  async resume(step: number): Promise<void> {
    const { checkpoints, settings } = this.options;
    const facts = await checkpoints.load(step, this.arrays);
    sameSettings(facts.settings, settings, settings.output);
    this.step = step;
    this.before = facts.before as MedusaAccuracy;
  }

  /**
   * Runs to the last step. An abort saves a checkpoint and rejects with the signal's reason.
   * @throws DivergenceError where a loss or gradient is no finite number
   */
  async run(): Promise<{ before: MedusaAccuracy; after: MedusaAccuracy }> {
    const { settings, steps } = this.options;
    const { signal, evaluations, checkpointMinutes } = settings;
    const interval = Math.max(1, Math.ceil(steps / evaluations));
    try {
      this.before ??= await this.measure();
      let after = this.before;
      while (this.step < steps) {
        await this.one();
        if (this.step % interval === 0 || this.step === steps) after = await this.measure();
        if (Date.now() - this.savedAt > checkpointMinutes * 60_000) await this.save();
      }
      return { before: this.before, after };
    } catch (error) {
      if (!signal?.aborted) throw error;
      await this.save();
      throw error;
    }
  }

  dispose(): void {
    this.groups.dispose();
  }

  private async one(): Promise<void> {
    const { heads, training, settings, steps } = this.options;
    const { signal, headDecay, batchSize, learningRate, warmupSteps = Math.ceil(steps / 20), decay } = settings;
    const started = performance.now();
    const step = this.step + 1;
    const blocks = this.blocksOf(step);
    const counts = await training.countLabels(blocks);
    const weights = counts.map((count, head) => headDecay ** (head + 1) / Math.max(1, count));
    const sums = new Array<number>(counts.length).fill(0);
    heads.parameters.gradients.fill(0);
    const perRun = heads.rows / ROWS_OF_BLOCK;
    for (let from = 0; from < blocks.length; from += perRun) {
      signal?.throwIfAborted();
      await training.read(blocks.subarray(from, from + perRun), heads);
      const losses = await heads.addGradients(weights, signal);
      losses.forEach((loss, head) => {
        sums[head] += loss;
      });
    }
    const loss = sums.reduce((sum, value, head) => sum + weights[head] * value, 0);
    const factor = scheduleFactor(step, steps, warmupSteps, decay);
    const gradientNorm = Number.isFinite(loss) ? this.groups.update(step, factor) : Number.NaN;
    if (!Number.isFinite(gradientNorm)) throw await this.diverged(step);
    this.step = step;
    settings.onProgress?.({
      stage: "training",
      ...{ step, steps, loss, gradientNorm },
      losses: sums.map((sum, head) => sum / Math.max(1, counts[head])),
      learningRate: factor * learningRate,
      tokensPerSecond: (1000 * batchSize) / (performance.now() - started),
    });
  }

  /** Blocks of a step: each epoch has an order of its own, which leaves out what makes no whole step. */
  private blocksOf(step: number): Uint32Array {
    const { training, settings } = this.options;
    const perStep = settings.batchSize / ROWS_OF_BLOCK;
    const perEpoch = Math.floor(training.blocks / perStep);
    if (perEpoch === 0) throw new RuntimeError("a step takes more blocks than there are");
    const epoch = Math.floor((step - 1) / perEpoch);
    if (this.order?.epoch !== epoch) {
      this.order = { epoch, blocks: shuffled(training.blocks, settings.seed * 100_003 + epoch) };
    }
    const first = ((step - 1) % perEpoch) * perStep;
    return this.order.blocks.subarray(first, first + perStep);
  }

  private async measure(): Promise<MedusaAccuracy> {
    const { heads, validation, settings, steps } = this.options;
    const accuracy = await heads.measure(validation, settings.signal);
    settings.onProgress?.({ stage: "validation", step: this.step, steps, ...accuracy });
    return accuracy;
  }

  private async save(): Promise<void> {
    const { checkpoints, settings } = this.options;
    const facts = { settings: settingsKey(settings), before: this.before };
    // Before the first measure there is nothing to keep.
    if (this.before) await checkpoints.save(this.step, { arrays: this.arrays, facts });
    this.savedAt = Date.now();
  }

  private get arrays(): Record<string, Float32Array> {
    return { values: this.options.heads.parameters.values, ...this.groups.state };
  }

  private async diverged(step: number): Promise<DivergenceError> {
    const newest = await this.options.checkpoints.newest();
    const kept = newest === undefined ? "no checkpoint was saved yet" : `the checkpoint of step ${newest} is kept`;
    return new DivergenceError(
      `the loss or its gradient is no finite number at step ${step}; ${kept}: train with a lower learningRate`,
    );
  }
}
