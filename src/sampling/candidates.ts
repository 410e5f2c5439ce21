import { NumericsError } from "../types/errors.js";
import type { SamplingParams } from "../types/sampling-params.js";
import { expMinus } from "./exp.js";
import { LARGEST_FLOAT } from "./float-range.js";
import { PartialOrder } from "./partial-order.js";

/**
 * The tokens that the filters leave, with logits divided by the temperature. Filters in transformers' order: top-k,
 * top-p, min-p, typical-p, each over what the one before left. Buffers are reused.
 */
export class Candidates {
  readonly ids: Int32Array;
  readonly logits: Float32Array;
  count = 0;
  /** Largest logit. */
  max = -Infinity;
  private readonly weights: Float64Array;
  private readonly keys: Float64Array;
  private readonly order: PartialOrder;

  constructor(vocabSize: number) {
    this.ids = new Int32Array(vocabSize);
    this.logits = new Float32Array(vocabSize);
    this.weights = new Float64Array(vocabSize);
    this.keys = new Float64Array(vocabSize);
    this.order = new PartialOrder(vocabSize);
  }

  /**
   * Takes the first `limit` logits of a row; none of them when all are -Infinity.
   * @param position of the token whose logits they are, for the error
   * @throws NumericsError for NaN and +Infinity
   */
  fill(row: Float32Array, limit: number, params: SamplingParams, position: number): void {
    const { ids, logits } = this;
    const { temperature } = params;
    let count = 0;
    let max = -Infinity;
    for (let id = 0; id < limit; id++) {
      const value = row[id];
      if (value === -Infinity) continue;
      if (Number.isNaN(value)) throw new NumericsError(`the token at position ${position}`);
      const scaled = temperature === 1 ? value : value / temperature;
      ids[count] = id;
      logits[count++] = scaled;
      if (scaled > max) max = scaled;
    }
    if (max === Infinity) throw new NumericsError(`the token at position ${position}`);
    this.count = count;
    this.max = Math.fround(max);
    if (count > 0 && !Number.isFinite(this.max)) this.divideFromTop(row, temperature);
    if (count > 0) this.filter(params);
  }

  /** Quotients that leave the range of floats, as at tiny temperatures: the same differences, from a largest of 0. */
  private divideFromTop(row: Float32Array, temperature: number): void {
    const { ids, logits, count } = this;
    let top = -Infinity;
    for (let i = 0; i < count; i++) top = Math.max(top, row[ids[i]]);
    for (let i = 0; i < count; i++) {
      const value = row[ids[i]];
      logits[i] = value === top ? 0 : Math.max(-LARGEST_FLOAT, (value - top) / temperature);
    }
    this.max = 0;
  }

  /** e^(logit - max) of the candidates that are left, as the weights of a distribution; returns their sum. */
  expWeights(): { weights: Float64Array; total: number } {
    const { logits, weights, max, count } = this;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const weight = expMinus(max - logits[i]);
      weights[i] = weight;
      total += weight;
    }
    return { weights, total };
  }

  private filter({ topK, topP, minP, typicalP }: SamplingParams): void {
    if (topK > 0 && topK < this.count) this.keepTopK(topK);
    if (topP < 1) this.keepTopP(topP);
    if (minP > 0) this.keepAbove(this.max + Math.log(minP));
    if (typicalP < 1) this.keepTypical(typicalP);
  }

  private keepAbove(threshold: number): void {
    const { ids, logits } = this;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (logits[i] < threshold) continue;
      ids[kept] = ids[i];
      logits[kept++] = logits[i];
    }
    this.count = kept;
  }

  /** Keeps the k likeliest candidates, and those as likely as the last of them. */
  private keepTopK(k: number): void {
    const likeliest = this.order.until(k, this.gaps(), this.count);
    this.keepAbove(this.logits[likeliest[k - 1]]);
  }

  /** Keeps the likeliest candidates until their mass reaches topP, the one that crosses it included. */
  private keepTopP(topP: number): void {
    const { weights, total } = this.expWeights();
    this.keep(this.order.until(topP * total, this.gaps(), this.count, weights));
  }

  /** How far each candidate is below the likeliest. */
  private gaps(): Float64Array {
    for (let i = 0; i < this.count; i++) this.keys[i] = this.max - this.logits[i];
    return this.keys;
  }

  /** Locally typical sampling (Meister et al. 2023): the tokens whose surprise is nearest the entropy, up to the mass. */
  private keepTypical(mass: number): void {
    const { weights, total } = this.expWeights();
    const logTotal = Math.log(total);
    let entropy = 0;
    for (let i = 0; i < this.count; i++) {
      if (weights[i] > 0) entropy -= (weights[i] / total) * (this.logits[i] - this.max - logTotal);
    }
    const surprise = this.max + logTotal - entropy;
    for (let i = 0; i < this.count; i++) this.keys[i] = Math.abs(surprise - this.logits[i]);
    this.keep(this.order.until(mass * total, this.keys, this.count, weights));
  }

  private keep(indices: number[]): void {
    indices.sort((a, b) => a - b);
    let max = -Infinity;
    indices.forEach((from, to) => {
      this.ids[to] = this.ids[from];
      this.logits[to] = this.logits[from];
      if (this.logits[to] > max) max = this.logits[to];
    });
    this.count = indices.length;
    this.max = max;
  }
}
