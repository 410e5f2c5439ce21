/** How far rows of a pass depend on the rows beside them, on the CPU that it was checked on (docs/exactness.md). */
export interface Exactness {
  /**
   * "bit-exact": a row gives the same bits in passes of any number of rows, so speculation keeps plain decoding's very
   * tokens. "up to rounding": it does not, and texts may part where two tokens nearly tie. "unchecked": nobody looked.
   */
  level: "bit-exact" | "up to rounding" | "unchecked";
  /** Largest difference seen of a logit, or of a product where that is larger; 0 when bit-exact. */
  maxDifference: number;
  /** Fewest rows that products run for: 2 where a single row rounds differently from several, so that it stands twice. */
  leastRows: number;
  /** The same for the matrix that turns q8's hidden states back. */
  leastHiddenRows: number;
  /** Row counts whose products differ nevertheless, ascending. */
  differingRows: readonly number[];
}

/** Of a model that nobody checked: passes run as they are. */
export const UNCHECKED: Exactness = {
  level: "unchecked",
  maxDifference: 0,
  leastRows: 1,
  leastHiddenRows: 1,
  differingRows: [],
};
