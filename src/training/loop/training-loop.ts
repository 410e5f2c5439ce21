import { ForetokenError, RuntimeError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";
import { ParameterGroups } from "../optimiser/parameter-groups.js";
import { scheduleFactor } from "../optimiser/schedule.js";
import type { Checkpoints } from "./checkpoints.js";
import { Divergence } from "./divergence.js";
import { DivergenceError, type LoopProgress, type LoopSettings } from "./loop-options.js";
import { shuffled } from "./shuffle.js";
import type { Trainee } from "./trainee.js";
import { TrainingLog } from "./training-log.js";

export interface LoopParts<Measure> {
  trainee: Trainee<Measure>;
  checkpoints: Checkpoints;
  settings: LoopSettings;
  /** Everything that decides the outcome: a checkpoint of another key is not gone on from. */
  key: string;
  onProgress?: (progress: LoopProgress<Measure>) => void;
}

/** Steps over a trainee's units, with validation and checkpoints on the way. Everything follows from the step's number. */
export class TrainingLoop<Measure extends object> {
  readonly steps: number;
  private step = 0;
  private before: Measure | undefined;
  /** The step of the last validation. */
  private measured: number | undefined;
  private savedAt = Date.now();
  private order: { epoch: number; units: Uint32Array } | undefined;
  private readonly divergence = new Divergence();
  private log: TrainingLog | undefined;

  private constructor(
    private readonly parts: LoopParts<Measure>,
    private readonly groups: ParameterGroups,
  ) {
    const { epochs, maxSteps = Number.POSITIVE_INFINITY } = parts.settings;
    this.steps = Math.min(maxSteps, epochs * this.stepsPerEpoch);
  }

  static async create<Measure extends object>(parts: LoopParts<Measure>): Promise<TrainingLoop<Measure>> {
    const { parameters, groups } = parts.trainee;
    const { maxGradientNorm } = parts.settings;
    return new TrainingLoop(parts, await ParameterGroups.create(parameters, groups, maxGradientNorm));
  }

  /** Goes on from a checkpoint. @throws ForetokenError where it is of other settings */
  async resume(step: number): Promise<void> {
    const { checkpoints, key, settings } = this.parts;
    const facts = await checkpoints.load(step, this.arrays);
    if (facts.settings !== key) {
      throw new ForetokenError(
        `${escaped(settings.output)} holds a training with other options: resume it with the same ones, or choose another output`,
      );
    }
    this.step = step;
    this.before = facts.before as Measure;
    this.measured = facts.measured as number;
  }

  /**
   * Runs to the last step. An abort saves a checkpoint and rejects with the signal's reason.
   * @throws DivergenceError where a loss or gradient is no finite number, or the loss has risen far over its lowest mean
   */
  async run(): Promise<{ before: Measure; after: Measure }> {
    const { signal, output, evaluations, checkpointMinutes, tensorboard } = this.parts.settings;
    const interval = Math.max(1, Math.ceil(this.steps / evaluations));
    this.log = await TrainingLog.open(output, this.step, { tensorboard });
    try {
      this.before ??= await this.measure();
      let after = this.before;
      const validate = async () => {
        const due = this.step % interval === 0 || this.step === this.steps;
        if (due && this.measured !== this.step) after = await this.measure();
      };
      // Where the training was stopped on the way to it.
      await validate();
      while (this.step < this.steps) {
        await this.one();
        await validate();
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
    const { trainee, settings } = this.parts;
    const { steps } = this;
    const { signal, warmupSteps = Math.ceil(steps / 20), decay } = settings;
    const started = performance.now();
    const step = this.step + 1;
    signal?.throwIfAborted();
    trainee.parameters.gradients.fill(0);
    const { loss, losses, tokens } = await trainee.addGradients(this.unitsOf(step), signal, { step, steps });
    const factor = scheduleFactor(step, steps, warmupSteps, decay);
    const gradientNorm = Number.isFinite(loss) ? this.groups.update(step, factor) : Number.NaN;
    if (!Number.isFinite(gradientNorm)) throw await this.diverged(`the loss or its gradient is no finite number`, step);
    if (this.divergence.note(loss)) throw await this.diverged(`the loss has risen far over its lowest mean`, step);
    this.step = step;
    const learningRate = factor * trainee.groups[0].learningRate;
    const tokensPerSecond = (1000 * tokens) / (performance.now() - started);
    this.tell({ stage: "training", step, steps, loss, losses, learningRate, gradientNorm, tokensPerSecond });
  }

  /** Units of a step: each epoch has an order of its own, which leaves out what makes no whole step. */
  private unitsOf(step: number): Uint32Array {
    const { trainee, settings } = this.parts;
    const { stepsPerEpoch } = this;
    const epoch = Math.floor((step - 1) / stepsPerEpoch);
    if (this.order?.epoch !== epoch) {
      this.order = { epoch, units: shuffled(trainee.units, settings.seed * 100_003 + epoch) };
    }
    const first = ((step - 1) % stepsPerEpoch) * trainee.unitsPerStep;
    return this.order.units.subarray(first, first + trainee.unitsPerStep);
  }

  private get stepsPerEpoch(): number {
    const { units, unitsPerStep } = this.parts.trainee;
    if (units < unitsPerStep) throw new RuntimeError(`a step takes ${unitsPerStep} units, there are ${units}`);
    return Math.floor(units / unitsPerStep);
  }

  private async measure(): Promise<Measure> {
    const { trainee, settings } = this.parts;
    const measure = await trainee.measure(settings.signal);
    this.tell({ stage: "validation", step: this.step, steps: this.steps, ...measure });
    await this.log?.write();
    this.measured = this.step;
    trainee.judge?.(measure, this.step);
    return measure;
  }

  private tell(progress: LoopProgress<Measure>): void {
    this.log?.note(progress);
    this.parts.onProgress?.(progress);
  }

  private async save(): Promise<void> {
    const { checkpoints, key } = this.parts;
    // Before the checkpoint, so that the log of a killed process lacks no step that is not trained on again.
    await this.log?.write();
    const { before, measured, arrays } = this;
    // Before the first measure there is nothing to keep.
    if (before) await checkpoints.save(this.step, { arrays, facts: { settings: key, before, measured } });
    this.savedAt = Date.now();
  }

  private get arrays(): Record<string, Float32Array> {
    const { parameters, state } = this.parts.trainee;
    return { values: parameters.values, divergence: this.divergence.state, ...this.groups.state, ...state };
  }

  private async diverged(what: string, step: number): Promise<DivergenceError> {
    const newest = await this.parts.checkpoints.newest();
    const kept = newest === undefined ? "no checkpoint was saved yet" : `the checkpoint of step ${newest} is kept`;
    return new DivergenceError(`${what} at step ${step}; ${kept}: train with a lower learningRate`);
  }
}
