import type { LayeredDecoder } from "../gradient/layered-decoder.js";
import type { StepLosses, StepPlace, Trainee } from "../loop/trainee.js";
import type { ParameterGroup } from "../optimiser/parameter-groups.js";
import type { ParameterSet } from "../parameters.js";
import { countLabels, fillBatch } from "../sequences/fill-batch.js";
import { PackedSequence } from "../sequences/packed-sequence.js";
import type { SequenceFile } from "../sequences/sequence-file.js";
import { COUNTS, TEACHER_HIDDEN } from "../teacher-rows.js";
import { DriftError } from "./drift.js";
import { HEAD_LABELS, headLoss } from "./joint-head.js";
import { type JointMeasure, JointSums } from "./joint-measure.js";
import type { JointSettings } from "./settings.js";

/** A base and its Medusa heads that learn from packed sequences: units are sequences. */
export class JointTrainee implements Trainee<JointMeasure> {
  readonly parameters: ParameterSet;
  readonly groups: readonly ParameterGroup[];
  readonly units: number;
  readonly unitsPerStep: number;
  private readonly sequence: PackedSequence;
  /** The base's perplexity before training. */
  private baseline = Number.POSITIVE_INFINITY;
  /** The parameters at the last validation within the limit, and its step. */
  readonly state: { within: Float32Array; withinStep: Float32Array };

  /** @param width of the teacher's rows; 0: there are none */
  constructor(
    private readonly decoder: LayeredDecoder,
    private readonly training: SequenceFile,
    private readonly validation: SequenceFile,
    private readonly settings: JointSettings,
    private readonly vocabSize: number,
    private readonly width: number,
  ) {
    this.parameters = decoder.parameters;
    this.state = { within: new Float32Array(this.parameters.values.length), withinStep: new Float32Array(1) };
    this.units = training.count;
    this.unitsPerStep = settings.batchSize;
    this.sequence = new PackedSequence(settings.sequenceLength, width);
    const { learningRate, headRate, weightDecay } = settings;
    const names = this.parameters.specs.map(({ name }) => name);
    const group = (ofHeads: boolean, rate: number) => ({
      names: names.filter((name) => name.startsWith("heads.") === ofHeads),
      ...{ optimiser: "adamw" as const, learningRate: rate, options: { weightDecay } },
    });
    this.groups = [group(false, learningRate), group(true, headRate * learningRate)];
  }

  /** Measures what training begins with: perplexities are compared with it. */
  async begin(signal?: AbortSignal): Promise<JointMeasure> {
    const measure = await this.measure(signal);
    this.baseline = measure.perplexity;
    return measure;
  }

  /** @throws DriftError where the base's perplexity has risen over the limit */
  judge({ perplexity }: JointMeasure, step: number): void {
    const { maxDrift } = this.settings;
    const rise = perplexity / this.baseline - 1;
    if (rise > maxDrift) throw new DriftError({ step, rise }, maxDrift);
    this.state.within.set(this.parameters.values);
    this.state.withinStep[0] = step;
  }

  /** Goes back to the last validation within the limit. @returns its step; 0: there was none after the beginning */
  goBack(): number {
    this.parameters.values.set(this.state.within);
    return this.state.withinStep[0];
  }

  async addGradients(units: Uint32Array, signal: AbortSignal | undefined, at: StepPlace): Promise<StepLosses> {
    const { decoder, training, settings } = this;
    const { heads, headDecay, headWeight, ramp, microBatchSize } = settings;
    const rise = ramp === "sine" ? Math.sin((Math.PI / 2) * (at.step / at.steps)) : 1;
    const counts = (await countLabels(training, units, heads + 1, this.sequence)).map((count) => Math.max(1, count));
    const names = ["base", ...Array.from({ length: heads }, (_, head) => headLoss(head))];
    const shares = names.map((_, i) => (i === 0 ? 1 : headWeight * rise * headDecay ** i));
    const weights = Object.fromEntries(names.map((name, i) => [name, shares[i] / counts[i]]));
    const sums = names.map(() => 0);
    for (let from = 0; from < units.length; from += microBatchSize) {
      signal?.throwIfAborted();
      await this.fill(training, units.subarray(from, from + microBatchSize));
      const losses = await decoder.addGradients(weights, signal);
      names.forEach((name, i) => {
        sums[i] += losses[name];
      });
    }
    const losses = sums.map((sum, i) => sum / counts[i]);
    return {
      loss: losses.reduce((sum, loss, i) => sum + shares[i] * loss, 0),
      losses,
      tokens: settings.batchSize * settings.sequenceLength,
    };
  }

  async measure(signal?: AbortSignal): Promise<JointMeasure> {
    const { decoder, validation, settings } = this;
    const { microBatchSize, heads } = settings;
    const sums = new JointSums(heads, this.vocabSize);
    for (let from = 0; from < validation.count; from += microBatchSize) {
      const units = Array.from({ length: Math.min(microBatchSize, validation.count - from) }, (_, i) => from + i);
      await this.fill(validation, units);
      const losses = await decoder.measure(signal);
      sums.add(decoder, losses, decoder.integers("labels"), decoder.integers(HEAD_LABELS));
    }
    return sums.result();
  }

  private async fill(file: SequenceFile, units: ArrayLike<number>): Promise<void> {
    const { decoder, settings, width } = this;
    const { heads } = settings;
    const [labels, headLabels] = [decoder.integers("labels"), decoder.integers(HEAD_LABELS)];
    await fillBatch(decoder, file, units, settings.microBatchSize, this.sequence, (at, sequence, place) => {
      const label = sequence.label(place, 1);
      labels[at] = BigInt(label);
      for (let head = 0; head < heads; head++) {
        headLabels[at * heads + head] = BigInt(sequence.label(place, head + 2));
      }
      if (width === 0) return;
      decoder.floats(COUNTS)[at] = Number(label >= 0);
      decoder.floats(TEACHER_HIDDEN).set(sequence.rows.subarray(place * width, (place + 1) * width), at * width);
    });
  }
}
