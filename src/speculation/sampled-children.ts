import type { Distribution } from "../sampling/distribution.js";
import type { TokenId } from "../types/token.js";

/** Up to k different tokens, one after the other from what is left of the distribution. */
export function sampleWithoutReplacement(distribution: Distribution, k: number, uniform: () => number): TokenId[] {
  const { ids, count } = distribution;
  const probs = distribution.probs.slice(0, count);
  let left = 1;
  const tokens: TokenId[] = [];
  while (tokens.length < Math.min(k, count) && left > 1e-12) {
    const index = draw(probs, uniform() * left);
    tokens.push(ids[index]);
    left -= probs[index];
    probs[index] = 0;
  }
  return tokens;
}

/** The index at which the running sum of weights passes `point`; the last positive one when rounding leaves none. */
export function draw(weights: Float64Array, point: number): number {
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
