/** Most rows that a lone row may be run as: beyond that the cure costs more than exactness is worth to most. */
export const MOST_COPIES = 4;

/**
 * How a product depends on the number of its rows: differences[m - 1][n - 1] is the largest difference between rows that
 * ran n at a time and the same rows m at a time, for m up to MOST_COPIES; 0 for the same bits. Undefined for n below m.
 */
export type RowDifferences = readonly (readonly (number | undefined)[])[];

export interface LeastRows {
  /** Passes of fewer rows must run as this many. */
  least: number;
  /** Row counts from `least` on that differ nevertheless. */
  differing: number[];
  /** By how much at most. */
  maxDifference: number;
}

/** The fewest rows to run products for, so that as few row counts as possible differ: 1 where none does. */
export function leastRows(products: readonly RowDifferences[]): LeastRows {
  const candidates = Array.from({ length: MOST_COPIES }, (_, i) => fromRowsOn(i + 1, products));
  return candidates.reduce((best, next) => (next.differing.length < best.differing.length ? next : best));
}

function fromRowsOn(least: number, products: readonly RowDifferences[]): LeastRows {
  const differing = new Set<number>();
  let maxDifference = 0;
  for (const differences of products) {
    differences[least - 1].forEach((difference, i) => {
      if (i + 1 <= least || difference === undefined || difference === 0) return;
      differing.add(i + 1);
      maxDifference = Math.max(maxDifference, difference);
    });
  }
  return { least, differing: [...differing].sort((a, b) => a - b), maxDifference };
}
