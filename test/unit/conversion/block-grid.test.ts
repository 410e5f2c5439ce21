import { expect, test } from "vitest";
import { gridOf, half, isHalf } from "../../../src/conversion/block-grid.js";
import { Random } from "../../support/random.js";
import { tiled, untiled } from "../../support/skinny.js";

const random = new Random(7);
const halfBetween = (low: number, high: number) => half(low + (high - low) * random.next());

/** A block on a grid that uses steps from `first` to `last`. */
function onGrid(scale: number, minimum: number, [first, last]: readonly [number, number]): Float32Array {
  return Float32Array.from({ length: 32 }, () => minimum + scale * random.int(first, last));
}

test("halves are told from other floats", () => {
  for (const value of [0, -0, 1, 0.1, 65_504, 65_505, 2 ** -24, 2 ** -25, 3 * 2 ** -24, 2 ** -14, 1 + 2 ** -11]) {
    expect([value, isHalf(value)]).toEqual([value, half(Math.min(value, 65_504)) === value]);
  }
});

const STEPS = [
  [0, 15],
  [0, 7],
  [3, 15],
  [4, 9],
  [6, 7],
  [5, 5],
] as const;

test.each(STEPS)("q4 keeps blocks that use steps %i to %i of a grid", (...steps) => {
  const count = 96;
  const rows = new Float32Array(count * 32);
  for (let r = 0; r < count; r++) {
    const scale = halfBetween(1e-4, 0.05);
    // A scale below zero is what GGUF's Q4_0 may have.
    rows.set(onGrid(r % 3 === 0 ? -scale : scale, halfBetween(-0.4, 0.2), steps), 32 * r);
  }
  const shape = { K: 32, N: count, dtype: "q4" } as const;
  expect(untiled(shape, tiled(shape, rows))).toEqual(rows);
});

test("blocks that lie on no grid have none", () => {
  const block = Float32Array.from({ length: 32 }, () => random.next() - 0.5);
  expect(gridOf(block, 32, Math.min(...block), Math.max(...block))).toBeUndefined();
  // Seventeen values, evenly spaced.
  const many = Float32Array.from({ length: 32 }, (_, i) => (i % 17) / 16);
  expect(gridOf(many, 32, 0, 1)).toBeUndefined();
});
