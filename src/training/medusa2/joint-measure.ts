import type { LayeredDecoder } from "../gradient/layered-decoder.js";
import { accuracyOf, type MedusaAccuracy, RANKS } from "../medusa/accuracy.js";
import { headLoss, headRank, LOG_LOSS } from "./joint-head.js";

/** What a base and its heads are worth, on text that they were not trained on. */
export interface JointMeasure extends MedusaAccuracy {
  /** Of the base. */
  perplexity: number;
}

/** Collects runs of a decoder's `measure` into a measure. */
export class JointSums {
  private readonly heads: { loss: number; labels: number; right: number[] }[];
  private logLoss = 0;
  private rows = 0;

  constructor(heads: number, vocabSize: number) {
    const right = () => new Array<number>(Math.min(RANKS, vocabSize)).fill(0);
    this.heads = Array.from({ length: heads }, () => ({ loss: 0, labels: 0, right: right() }));
  }

  /**
   * @param labels of the base's rows, below 0 where there is none
   * @param headLabels [rows, heads]
   */
  add(decoder: LayeredDecoder, losses: Record<string, number>, labels: BigInt64Array, headLabels: BigInt64Array): void {
    const logLoss = decoder.measured(LOG_LOSS);
    labels.forEach((label, row) => {
      if (label < 0n) return;
      this.logLoss += logLoss[row];
      this.rows++;
    });
    for (const [i, head] of this.heads.entries()) {
      head.loss += losses[headLoss(i)];
      decoder.measured(headRank(i)).forEach((rank, row) => {
        if (headLabels[row * this.heads.length + i] < 0n) return;
        head.labels++;
        if (rank < head.right.length) head.right[rank]++;
      });
    }
  }

  result(): JointMeasure {
    return { ...accuracyOf(this.heads), perplexity: Math.exp(this.logLoss / Math.max(1, this.rows)) };
  }
}
