import { RuntimeError, UsageError } from "../types/errors.js";
import type { SamplingParams } from "../types/sampling-params.js";
import { kthLargest } from "./select.js";

/** Further below the largest logit than this, a probability is lost in a double's rounding (e^-40 = 4e-18). */
const NEGLIGIBLE = 40;
/** Top-p sorts this many likeliest candidates first, and more only when they do not reach the mass. */
const FIRST_HEAD = 64;

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
  private readonly scratch: Float32Array;
  private readonly weights: Float64Array;

  constructor(vocabSize: number) {
    this.ids = new Int32Array(vocabSize);
    this.logits = new Float32Array(vocabSize);
    this.scratch = new Float32Array(vocabSize);
    this.weights = new Float64Array(vocabSize);
  }

  /** Takes the first `limit` logits of a row. @throws RuntimeError for NaN, UsageError when nothing is possible */
  fill(row: Float32Array, limit: number, params: SamplingParams): void {
    const { ids, logits } = this;
    const { temperature } = params;
    let count = 0;
    let max = -Infinity;
    for (let id = 0; id < limit; id++) {
      const value = row[id];
      if (value === -Infinity) continue;
      if (Number.isNaN(value)) {
        throw new RuntimeError(`the logit of token ${id} is not a number: the weights or the prompt are damaged`);
      }
      const scaled = temperature === 1 ? value : value / temperature;
      ids[count] = id;
      logits[count++] = scaled;
      if (scaled > max) max = scaled;
    }
    if (count === 0) {
      throw new UsageError("every token is forbidden: relax logitBias, badWordsIds or minNewTokens");
    }
    this.count = count;
    this.max = Math.fround(max);
    this.filter(params);
  }

  /** e^(logit - max) of the candidates that are left, as the weights of a distribution; returns their sum. */
  expWeights(): { weights: Float64Array; total: number } {
    const { logits, weights, max, count } = this;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const gap = max - logits[i];
      weights[i] = gap > NEGLIGIBLE ? 0 : Math.exp(-gap);
      total += weights[i];
    }
    return { weights, total };
  }

  private filter({ topK, topP, minP, typicalP }: SamplingParams): void {
    if (topK > 0 && topK < this.count) {
      this.keepAbove(kthLargest(this.logits, this.count, topK, this.scratch));
    }
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

  /** Keeps the likeliest candidates until their mass reaches topP, the one that crosses it included. */
  private keepTopP(topP: number): void {
    const { weights, total } = this.expWeights();
    const goal = topP * total;
    for (let head = FIRST_HEAD; ; head *= 8) {
      const all = head >= this.count;
      const threshold = all ? -Infinity : kthLargest(this.logits, this.count, head, this.scratch);
      const order: number[] = [];
      for (let i = 0; i < this.count; i++) if (this.logits[i] >= threshold) order.push(i);
      // Likeliest first; among equals the lower id.
      order.sort((a, b) => this.logits[b] - this.logits[a] || a - b);
      let mass = 0;
      let kept = 0;
      while (kept < order.length && mass < goal) mass += weights[order[kept++]];
      if (mass < goal && !all) continue;
      this.keep(order.slice(0, Math.max(1, kept)));
      return;
    }
  }

  /** Locally typical sampling (Meister et al. 2023): the tokens whose surprise is nearest the entropy, up to the mass. */
  private keepTypical(mass: number): void {
    const { weights, total } = this.expWeights();
    const logTotal = Math.log(total);
    let entropy = 0;
    for (let i = 0; i < this.count; i++) {
      if (weights[i] > 0) entropy -= (weights[i] / total) * (this.logits[i] - this.max - logTotal);
    }
    const distance = (i: number) => Math.abs(this.max + logTotal - this.logits[i] - entropy);
    const order = Array.from({ length: this.count }, (_, i) => i);
    const distances = order.map(distance);
    order.sort((a, b) => distances[a] - distances[b] || a - b);
    let sum = 0;
    let kept = 0;
    while (kept < order.length && sum < mass * total) sum += weights[order[kept++]];
    this.keep(order.slice(0, Math.max(1, kept)));
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
