import { expect, test } from "vitest";
import { largestDifference } from "../../../src/exactness/largest-difference.js";
import { leastRows, type RowDifferences } from "../../../src/exactness/row-counts.js";

/** Differences of a product whose row counts 1 to 33 run on kernels that round differently: `kernel(n)` names n's. */
function kernels(kernel: (rows: number) => number, size = 0.5): RowDifferences {
  const counts = Array.from({ length: 33 }, (_, i) => i + 1);
  return [1, 2, 3, 4].map((m) => counts.map((n) => (n < m ? undefined : kernel(n) === kernel(m) ? 0 : size)));
}

test("a product that does not look at the number of rows needs no cure", () => {
  expect(leastRows([kernels(() => 0), kernels(() => 1)])).toEqual({ least: 1, differing: [], maxDifference: 0 });
  expect(leastRows([])).toEqual({ least: 1, differing: [], maxDifference: 0 });
});

test("where only single rows differ they run as two; where up to three do, as four", () => {
  const lone = kernels((n) => (n === 1 ? 0 : 1));
  expect(leastRows([lone])).toEqual({ least: 2, differing: [], maxDifference: 0 });
  expect(leastRows([kernels(() => 0), lone])).toMatchObject({ least: 2, differing: [] });
  const few = kernels((n) => Math.min(n, 4));
  expect(leastRows([lone, few])).toEqual({ least: 4, differing: [], maxDifference: 0 });
});

test("what cannot be cured is told: which counts, and by how much", () => {
  const tiled = kernels((n) => (n >= 32 ? 1 : 0), 0.25);
  expect(leastRows([tiled])).toEqual({ least: 1, differing: [32, 33], maxDifference: 0.25 });
  const lone = kernels((n) => (n === 1 ? 0 : 1), 9);
  expect(leastRows([tiled, lone])).toEqual({ least: 2, differing: [32, 33], maxDifference: 0.25 });
  const odd = kernels((n) => n % 2);
  // From 3 rows on 15 counts differ from the others, from 2 on 16: the fewer, the better.
  expect(leastRows([odd])).toMatchObject({ least: 3, differing: Array.from({ length: 15 }, (_, i) => 2 * i + 4) });
});

test("differences are of bits, finite, and none where both are the same NaN", () => {
  const of = (a: number[], b: number[]) => largestDifference(Float32Array.from(a), Float32Array.from(b));
  expect(of([1, Number.NaN], [1, Number.NaN])).toBe(0);
  expect(of([1, 2], [1.5, 2.25])).toBe(0.5);
  expect(of([0], [-0])).toBe(0);
  expect(of([Number.NaN], [1])).toBe(Number.MAX_VALUE);
  expect(of([Infinity, 1], [Infinity, 2])).toBe(1);
});
