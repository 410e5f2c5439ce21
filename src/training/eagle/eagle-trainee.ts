import { draftIdsOf } from "../draft-vocabulary.js";
import type { StepLosses, Trainee } from "../loop/trainee.js";
import type { ParameterGroup } from "../optimiser/parameter-groups.js";
import type { ParameterSet } from "../parameters.js";
import { accuracyOf, type EagleAccuracy, type StepCounts } from "./accuracy.js";
import type { LayerInTraining } from "./layer-in-training.js";
import type { DraftRow, SequenceCache } from "./sequence-cache.js";
import type { Settings } from "./settings.js";

/** Muon takes matrices; what is none goes by AdamW at a rate so much lower. */
const OTHER_RATE = 0.1;

/** A draft layer that learns from cached sequences, which are its units. */
export class EagleTrainee implements Trainee<EagleAccuracy> {
  readonly parameters: ParameterSet;
  readonly groups: readonly ParameterGroup[];
  readonly units: number;
  readonly unitsPerStep: number;
  /** Sequences of a run. */
  private readonly perRun: number;
  /** The draft's id of each of the target's. */
  private readonly draftIds: ReadonlyMap<number, number>;

  constructor(
    private readonly layer: LayerInTraining,
    private readonly training: SequenceCache,
    private readonly validation: SequenceCache,
    private readonly settings: Settings,
  ) {
    const { optimiser, learningRate, weightDecay, batchSize, sequenceLength } = settings;
    this.parameters = layer.parameters;
    this.units = training.sequences;
    this.unitsPerStep = batchSize / sequenceLength;
    this.perRun = layer.shape.rows / sequenceLength;
    this.draftIds = draftIdsOf(layer.shape.targetIds);
    const names = layer.parameters.specs.map(({ name }) => name);
    const otherLearningRate = OTHER_RATE * learningRate;
    this.groups = [{ names, optimiser, learningRate, otherLearningRate, options: { weightDecay } }];
  }

  async addGradients(sequences: Uint32Array, signal?: AbortSignal): Promise<StepLosses> {
    const { layer, training, perRun, settings } = this;
    const { steps, stepDecay, batchSize } = settings;
    const rows = await training.readRows(sequences);
    // Where the target's choice is none of the draft's tokens there is nothing to be right about.
    const counted = stepsOf(rows, steps, ({ choice }) => this.draftIds.has(choice));
    const weights = counted.map((at, step) => stepDecay ** step / Math.max(1, at.length));
    const sums = new Array<number>(steps).fill(0);
    for (let from = 0; from < sequences.length; from += perRun) {
      signal?.throwIfAborted();
      await training.readFeatures(sequences.subarray(from, from + perRun), layer.features);
      this.fill(rows, from * settings.sequenceLength, counted, weights);
      const losses = await layer.addGradients(signal);
      losses.forEach((loss, step) => {
        sums[step] += loss;
      });
    }
    const loss = sums.reduce((sum, value) => sum + value, 0);
    return { loss, losses: sums.map((sum, step) => sum / stepDecay ** step), tokens: batchSize };
  }

  async measure(signal?: AbortSignal): Promise<EagleAccuracy> {
    const { layer, validation, perRun, settings } = this;
    const counts = Array.from({ length: settings.steps }, (): StepCounts => {
      return { rows: 0, loss: 0, overlap: 0, chain: 0, right: new Array<number>(layer.ranks).fill(0) };
    });
    const ones = counts.map(() => 1);
    for (let from = 0; from + perRun <= validation.sequences; from += perRun) {
      signal?.throwIfAborted();
      const sequences = Array.from({ length: perRun }, (_, i) => from + i);
      const rows = await validation.readRows(sequences);
      await validation.readFeatures(sequences, layer.features);
      const counted = stepsOf(rows, settings.steps, ({ choice }) => choice >= 0);
      this.fill(rows, 0, counted, ones);
      const losses = await layer.measure(signal);
      this.count(rows, counted, counts);
      for (const [step, loss] of losses.entries()) counts[step].loss += loss;
    }
    return accuracyOf(counts);
  }

  /** Fills in a run's rows, from row `first` of `rows` on, and what they count. */
  private fill(
    rows: readonly DraftRow[],
    first: number,
    counted: readonly number[][],
    weights: readonly number[],
  ): void {
    const { layer } = this;
    const end = first + layer.shape.rows;
    layer.setRows(rows.slice(first, end));
    for (const [step, at] of counted.entries()) {
      layer.weights[step].fill(0);
      for (const row of at) if (row >= first && row < end) layer.weights[step][row - first] = weights[step];
    }
  }

  private count(rows: readonly DraftRow[], counted: readonly number[][], counts: readonly StepCounts[]): void {
    const { measured, ranks } = this.layer;
    let right: Set<number> | undefined;
    for (const [step, at] of counted.entries()) {
      const count = counts[step];
      const still = new Set<number>();
      for (const row of at) {
        const { ids, overlaps } = measured[step];
        const choice = this.draftIds.get(rows[row + step].choice);
        const rank = choice === undefined ? -1 : ids.subarray(row * ranks, (row + 1) * ranks).indexOf(BigInt(choice));
        count.rows++;
        count.overlap += overlaps[row];
        if (rank >= 0) count.right[rank]++;
        if (rank === 0 && (right?.has(row) ?? true)) still.add(row);
      }
      count.chain += still.size;
      right = still;
    }
  }
}

/** For each step the rows whose token `step` places on is of the same text and to be learnt. */
function stepsOf(rows: readonly DraftRow[], steps: number, learnt: (row: DraftRow) => boolean): number[][] {
  return Array.from({ length: steps }, (_, step) =>
    rows.flatMap(({ segment, position }, row) => {
      const further = rows[row + step];
      const same = segment >= 0 && further?.segment === segment && further.position === position + step;
      return same && learnt(further) ? [row] : [];
    }),
  );
}
