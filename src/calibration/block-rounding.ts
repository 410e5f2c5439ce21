import { type BlockGrid, half, isOnGrid, MAX_HALF, MOST_STEPS, SPANS } from "../conversion/block-grid.js";
import { TILE } from "../models/weight-spec.js";

/** Times that scale and minimum are fitted to what was rounded, and rounding is repeated. */
const FITS = 3;

/**
 * Rounds blocks of 32 weights to 4 bits, one weight after the other, so that each makes good what the errors before it did
 * to the outputs. Term i of an output's squared error is (factor_ii (error_i - wanted_i))^2, with wanted_i decided by the
 * errors of the weights before.
 */
export class BlockRounding {
  /** What a block's errors want of those after them in the block [32, 32], and the weights of their terms. */
  private readonly couplings = new Float64Array(TILE.inputs ** 2);
  private readonly terms = new Float64Array(TILE.inputs);
  private readonly diagonal = new Float64Array(TILE.inputs);
  private length = 0;
  /** The errors of its weights that make their terms zero, but for what errors in the block do. */
  private readonly before = new Float64Array(TILE.inputs);
  /** The block's errors, weight less rounded weight. */
  readonly errors = new Float64Array(TILE.inputs);
  private readonly rounded = new Float32Array(TILE.inputs);
  private readonly weights = new Float64Array(TILE.inputs);
  /** The weights as they would best be, were those before rounded and none after. */
  private readonly best = new Float64Array(TILE.inputs);
  private readonly steps = new Uint8Array(TILE.inputs);

  /** Takes the part of M [n, n] that belongs to inputs [from, from + length). */
  setInputs(factor: Float64Array, n: number, from: number, length: number): void {
    this.length = length;
    for (let i = 0; i < length; i++) {
      const row = (from + i) * n + from;
      const diagonal = factor[row + i];
      this.diagonal[i] = diagonal;
      this.terms[i] = diagonal * diagonal;
      for (let k = 0; k < i; k++) this.couplings[i * TILE.inputs + k] = factor[row + k] / diagonal;
    }
  }

  /**
   * Rounds the weights at `from` in place; their errors are in `errors` then.
   * @param offsets what the terms of these weights are, at `from` too, where they have no errors
   */
  round(weights: Float32Array, offsets: Float32Array, from: number): void {
    const { length, errors, rounded, steps } = this;
    for (let i = 0; i < length; i++) {
      this.weights[i] = weights[from + i];
      this.before[i] = -offsets[from + i] / this.diagonal[i];
    }
    const grid = this.choose();
    this.settle(grid, Number.POSITIVE_INFINITY);
    for (let i = 0; i < length; i++) rounded[i] = grid.minimum + grid.scale * steps[i];
    // Sums of scale and minimum that no 32-bit float holds: one value for all is always exact.
    if (!isOnGrid(rounded, length)) rounded.fill(grid.minimum);
    for (let i = 0; i < length; i++) {
      errors[i] = this.weights[i] - rounded[i];
      weights[from + i] = rounded[i];
    }
  }

  private choose(): BlockGrid {
    const [low, high] = this.compensate();
    const range = high - low;
    let grid: BlockGrid = { scale: 0, minimum: nearest((low + high) / 2) };
    let least = this.settle(grid, Number.POSITIVE_INFINITY);
    const offer = (scale: number, minimum: number): boolean => {
      const offered = { scale: nearest(scale), minimum: nearest(minimum) };
      const cost = this.settle(offered, least);
      if (!(cost < least)) return false;
      [grid, least] = [offered, cost];
      return true;
    };
    for (const span of SPANS) offer((span * range) / MOST_STEPS, low + ((1 - span) / 2) * range);
    for (let i = 0; i < FITS; i++) {
      this.settle(grid, Number.POSITIVE_INFINITY);
      const fitted = this.fitted();
      if (!fitted || !offer(fitted.scale, fitted.minimum)) break;
    }
    return grid;
  }

  /** Finds `best` for weights that are not rounded: no errors but those before the block. @returns the least and the largest */
  private compensate(): [low: number, high: number] {
    const { length, errors, best } = this;
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < length; i++) {
      errors[i] = this.wanted(i);
      best[i] = this.weights[i] - errors[i];
      low = Math.min(low, best[i]);
      high = Math.max(high, best[i]);
    }
    return [low, high];
  }

  /** Scale and minimum that come nearest to `best` with the steps as they are; undefined where all are one. */
  private fitted(): BlockGrid | undefined {
    const { length, best, steps, terms } = this;
    let [sum, q, qq, w, qw] = [0, 0, 0, 0, 0];
    for (let i = 0; i < length; i++) {
      const term = terms[i];
      sum += term;
      q += term * steps[i];
      qq += term * steps[i] ** 2;
      w += term * best[i];
      qw += term * steps[i] * best[i];
    }
    const determinant = sum * qq - q * q;
    if (!(determinant > 1e-9 * sum * qq)) return undefined;
    return { scale: (sum * qw - q * w) / determinant, minimum: (qq * w - q * qw) / determinant };
  }

  /** Takes each weight to the grid's nearest step. @returns the squared error, or what is more than `most` */
  private settle({ scale, minimum }: BlockGrid, most: number): number {
    const { length, errors, steps, terms } = this;
    let cost = 0;
    for (let i = 0; i < length && cost < most; i++) {
      const wanted = this.wanted(i);
      const best = this.weights[i] - wanted;
      const step = scale === 0 ? 0 : Math.max(0, Math.min(MOST_STEPS, Math.round((best - minimum) / scale)));
      steps[i] = step;
      errors[i] = this.weights[i] - (minimum + scale * step);
      cost += terms[i] * (errors[i] - wanted) ** 2;
    }
    return cost;
  }

  /** The error of weight i that makes its term zero. */
  private wanted(i: number): number {
    const { couplings, errors } = this;
    let wanted = this.before[i];
    for (let k = 0, at = i * TILE.inputs; k < i; k++, at++) wanted -= couplings[at] * errors[k];
    return wanted;
  }
}

/** The nearest 16-bit float, within their range. */
function nearest(value: number): number {
  return half(Math.max(-MAX_HALF, Math.min(MAX_HALF, value)));
}
