/** Bits of a 32-bit float below its bin: bins are exponent and six bits of the mantissa, 1.6% wide. */
const BIN_SHIFT = 17;
const BINS = 1 << (32 - BIN_SHIFT - 1);
/** So few are sorted in less time than it takes to clear the histogram. */
const FEW = 64;

/** The beginning of a sorted order without sorting the rest: a histogram finds the few that need to be sorted. */
export class PartialOrder {
  private readonly rounded: Float32Array;
  private readonly bits: Uint32Array;
  private readonly mass = new Float64Array(BINS);

  constructor(size: number) {
    this.rounded = new Float32Array(size);
    this.bits = new Uint32Array(this.rounded.buffer);
  }

  /**
   * Indices of the smallest of keys[0, count), in order (the lower index first among equals), until their weights reach
   * `goal`, the one that reaches it included; all of them when they do not.
   * @param keys non-negative
   * @param weights 1 each when absent
   */
  until(goal: number, keys: Float64Array, count: number, weights?: Float64Array): number[] {
    const { bits } = this;
    for (let bin = count <= FEW ? BINS - 1 : this.lastBin(goal, keys, count, weights); ; bin = BINS - 1) {
      const order: number[] = [];
      for (let i = 0; i < count; i++) if (bits[i] >>> BIN_SHIFT <= bin) order.push(i);
      order.sort((a, b) => keys[a] - keys[b] || a - b);
      let reached = 0;
      let taken = 0;
      while (taken < order.length && reached < goal) {
        reached += weights ? weights[order[taken]] : 1;
        taken++;
      }
      // Bins sum up in another order, so that rounding may leave them a hair short.
      if (reached >= goal || bin === BINS - 1) return order.slice(0, taken);
    }
  }

  /** The bin where the weights of the smallest keys reach the goal. */
  private lastBin(goal: number, keys: Float64Array, count: number, weights?: Float64Array): number {
    const { rounded, bits, mass } = this;
    mass.fill(0);
    rounded.set(keys.subarray(0, count));
    for (let i = 0; i < count; i++) mass[bits[i] >>> BIN_SHIFT] += weights ? weights[i] : 1;
    let sum = 0;
    let bin = 0;
    while (bin < BINS - 1) {
      sum += mass[bin];
      if (sum >= goal) break;
      bin++;
    }
    return bin;
  }
}
