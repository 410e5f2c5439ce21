import type { TokenId } from "../../types/token.js";
import { draftIdsOf } from "../draft-vocabulary.js";
import type { LayeredDecoder } from "../gradient/layered-decoder.js";
import type { StepLosses, Trainee } from "../loop/trainee.js";
import type { ParameterGroup } from "../optimiser/parameter-groups.js";
import type { ParameterSet } from "../parameters.js";
import { countLabels, fillBatch } from "../sequences/fill-batch.js";
import { PackedSequence } from "../sequences/packed-sequence.js";
import type { SequenceFile } from "../sequences/sequence-file.js";
import { COUNTS, TEACHER_HIDDEN } from "../teacher-rows.js";
import { AgreementSums, type DraftAgreement } from "./agreement.js";
import type { DistillSettings } from "./settings.js";

/** What Muon does not take goes by AdamW at a rate so much lower. */
const OTHER_RATE = 0.1;

/** Label of a token that the draft cannot name: it counts for nothing. */
const UNKNOWN = -100;

/** A draft that learns from packed sequences with its teacher's rows: units are sequences. */
export class DraftTrainee implements Trainee<DraftAgreement> {
  readonly parameters: ParameterSet;
  readonly groups: readonly ParameterGroup[];
  readonly units: number;
  readonly unitsPerStep: number;
  private readonly sequence: PackedSequence;
  /** By the target's, where the draft has a vocabulary of its own. */
  private readonly draftIds: ReadonlyMap<TokenId, TokenId> | undefined;

  constructor(
    private readonly decoder: LayeredDecoder,
    private readonly training: SequenceFile,
    private readonly validation: SequenceFile,
    private readonly settings: DistillSettings,
    private readonly teacherHiddenSize: number,
    targetIds?: Int32Array,
  ) {
    this.draftIds = targetIds && draftIdsOf(targetIds);
    this.parameters = decoder.parameters;
    this.units = training.count;
    this.unitsPerStep = settings.batchSize;
    this.sequence = new PackedSequence(settings.sequenceLength, teacherHiddenSize);
    this.groups = groupsOf(this.parameters, settings);
  }

  async addGradients(units: Uint32Array, signal?: AbortSignal): Promise<StepLosses> {
    const { decoder, training, settings } = this;
    const [count] = await countLabels(training, units, 1, this.sequence);
    const each = 1 / Math.max(1, count);
    const weights: Record<string, number> = { distillation: each };
    if (settings.textWeight > 0) weights.text = settings.textWeight * each;
    const sums = { distillation: 0, text: 0 };
    for (let from = 0; from < units.length; from += settings.microBatchSize) {
      signal?.throwIfAborted();
      await this.fill(training, units.subarray(from, from + settings.microBatchSize));
      const losses = await decoder.addGradients(weights, signal);
      sums.distillation += losses.distillation;
      sums.text += losses.text ?? 0;
    }
    const losses = settings.textWeight > 0 ? [sums.distillation * each, sums.text * each] : [sums.distillation * each];
    return {
      loss: losses[0] + settings.textWeight * (losses[1] ?? 0),
      losses,
      tokens: settings.batchSize * settings.sequenceLength,
    };
  }

  async measure(signal?: AbortSignal): Promise<DraftAgreement> {
    const { decoder, validation, settings } = this;
    const { microBatchSize, textWeight } = settings;
    const sums = new AgreementSums();
    for (let from = 0; from < validation.count; from += microBatchSize) {
      const units = Array.from({ length: Math.min(microBatchSize, validation.count - from) }, (_, i) => from + i);
      const segments = await this.fill(validation, units);
      const losses = await decoder.measure(signal);
      sums.addLoss(losses.distillation + textWeight * (losses.text ?? 0));
      const [agreement, acceptance] = [decoder.measured("agreement"), decoder.measured("acceptance")];
      for (const [start, end] of segments)
        sums.addText(agreement.subarray(start, end), acceptance.subarray(start, end));
    }
    return sums.result();
  }

  /** Fills the decoder's batch. @returns the stretches of rows that count */
  private async fill(file: SequenceFile, units: ArrayLike<number>): Promise<[start: number, end: number][]> {
    const { decoder, settings, teacherHiddenSize: D } = this;
    const [hidden, counts] = [decoder.floats(TEACHER_HIDDEN), decoder.floats(COUNTS)];
    const labels = settings.textWeight > 0 ? decoder.integers("labels") : undefined;
    const stretches: [number, number][] = [];
    await fillBatch(decoder, file, units, settings.microBatchSize, this.sequence, (at, sequence, place) => {
      const label = sequence.label(place, 1);
      counts[at] = Number(label >= 0);
      if (labels) labels[at] = BigInt(this.draftIds ? (this.draftIds.get(label) ?? UNKNOWN) : label);
      hidden.set(sequence.rows.subarray(place * D, (place + 1) * D), at * D);
      if (label < 0) return;
      const last = stretches.at(-1);
      if (last?.[1] === at) last[1]++;
      else stretches.push([at, at + 1]);
    });
    return stretches;
  }
}

/** Muon for the layers' matrices where it is asked for, AdamW for the tables of tokens and the rest. */
function groupsOf({ specs }: ParameterSet, settings: DistillSettings): ParameterGroup[] {
  const { optimiser, learningRate, weightDecay } = settings;
  const options = { weightDecay };
  const names = specs.map(({ name }) => name);
  if (optimiser === "adamw") return [{ names, optimiser, learningRate, options }];
  const otherLearningRate = OTHER_RATE * learningRate;
  const ofLayer = (name: string) => name.startsWith("layers.");
  return [
    { names: names.filter(ofLayer), optimiser, learningRate, otherLearningRate, options },
    {
      names: names.filter((name) => !ofLayer(name)),
      optimiser: "adamw",
      learningRate: otherLearningRate,
      options,
    },
  ];
}
