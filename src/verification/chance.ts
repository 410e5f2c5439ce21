/** The random decisions of sampled proposals and of their verification, so that tests can take every branch. */
export interface Chance {
  /** True with this probability; never for 0. Values above 1 count as 1. */
  accept(probability: number): boolean;
  /** An index with probability weights[i] / total; never one of weight 0. */
  pick(weights: Float64Array, total: number): number;
}

/** Decisions by uniform numbers in [0, 1). */
export function chanceOf(uniform: () => number): Chance {
  return {
    // Strictly less: a probability of 0 must never pass.
    accept: (probability) => uniform() < probability,
    pick: (weights, total) => draw(weights, uniform() * total),
  };
}

/** The index at which the running sum of weights passes `point`; the last positive one when rounding leaves none. */
function draw(weights: Float64Array, point: number): number {
  let sum = 0;
  let last = -1;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] <= 0) continue;
    sum += weights[i];
    last = i;
    if (sum > point) return i;
  }
  return last;
}
