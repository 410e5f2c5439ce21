import type { TokenId } from "../types/token.js";

/**
 * A distribution over the tokens that processors left possible.
 * `ids` and `probs` run in parallel over the first `count` entries; probs sum to 1. Order is unspecified.
 */
export interface Distribution {
  readonly ids: Int32Array;
  readonly probs: Float64Array;
  readonly count: number;
}

/** Where `token` stands, -1 when it was filtered out. */
export function indexOf({ ids, count }: Distribution, token: TokenId): number {
  return ids.subarray(0, count).indexOf(token);
}

/** Probability of `token`, 0 when it was filtered out. */
export function probabilityOf(distribution: Distribution, token: TokenId): number {
  const index = indexOf(distribution, token);
  return index < 0 ? 0 : distribution.probs[index];
}
