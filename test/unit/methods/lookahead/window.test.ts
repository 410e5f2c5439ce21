import { describe, expect, test } from "vitest";
import { NgramPool } from "../../../../src/methods/lookahead/ngram-pool.js";
import { LookaheadWindow } from "../../../../src/methods/lookahead/window.js";
import { readJson } from "../../../support/models.js";

interface Golden {
  W: number;
  N: number;
  G: number;
  mask: number[][];
  pos_offset: number[];
}

/** A window past its warm-up whose predictions are numbered, so that every token tells where it came from. */
function steady(W: number, N: number): LookaheadWindow {
  const window = new LookaheadWindow(W, N, (column) => column);
  while (window.warmingUp)
    window.advance(
      -1,
      window.rows().read.map((_, i) => 100 * window.sizes.length + i),
    );
  return window;
}

describe.each(readJson<Golden[]>("test/golden/lookahead-mask.json"))(
  "W $W, N $N, G $G",
  ({ W, N, G, mask, pos_offset }) => {
    const { parents } = steady(W, N).rows();
    // The reference's order: the input, the window's rows, then each guess's tokens.
    const all = [-1, ...parents.map((parent) => parent + 1)];
    for (let guess = 0; guess < G; guess++) for (let j = 0; j < N - 1; j++) all.push(j === 0 ? 0 : all.length - 1);
    const ancestors = (row: number): number[] => (row < 0 ? [] : [row, ...ancestors(all[row])]);

    test("every row sees what the reference lets it see", () => {
      expect(all.map((_, row) => all.map((_other, seen) => (ancestors(row).includes(seen) ? 1 : 0)))).toEqual(mask);
    });

    test("positions are the reference's", () => {
      expect(all.map((_, row) => ancestors(row).length - 1)).toEqual(pos_offset);
    });
  },
);

test("the window fills in N - 2 steps", () => {
  const window = new LookaheadWindow(5, 4, (column) => column);
  const sizes = [window.sizes];
  while (window.warmingUp) {
    expect(
      window.advance(
        0,
        window.rows().read.map((_, i) => i),
      ),
    ).toEqual([]);
    sizes.push(window.sizes);
  }
  expect(sizes).toEqual([[6], [5, 6], [4, 5, 5]]);
});

test("an n-gram is a column of the levels and its prediction, behind the token of level 0", () => {
  const window = steady(3, 4);
  expect(window.sizes).toEqual([2, 3, 3]);
  const { tokens, read } = window.rows();
  expect(read).toEqual([5, 6, 7]);
  const [level1, level2] = [tokens.slice(2, 5), tokens.slice(5)];
  const ngrams = window.advance(77, [901, 902, 903]);
  expect(ngrams).toEqual([
    { first: 77, rest: [level1[0], level2[0], 901] },
    { first: tokens[0], rest: [level1[1], level2[1], 902] },
    { first: tokens[1], rest: [level1[2], level2[2], 903] },
  ]);
  // Every level moves one column on and becomes the one above.
  expect(window.rows().tokens).toEqual([...level1.slice(1), ...level2, 901, 902, 903]);
});

test("bigrams have one level, whose first column is the input", () => {
  const window = new LookaheadWindow(3, 2, (column) => 10 + column);
  expect(window.rows()).toEqual({ tokens: [10, 11], parents: [-1, 0], read: [-1, 0, 1] });
  expect(window.advance(5, [6, 7, 8]).map(({ first, rest }) => [first, ...rest])).toEqual([
    [5, 6],
    [10, 7],
    [11, 8],
  ]);
  expect(window.rows().tokens).toEqual([7, 8]);
});

test("the pool keeps the latest of each key, without duplicates", () => {
  const pool = new NgramPool(2);
  pool.add(1, [2, 3]);
  pool.add(1, [4, 5]);
  pool.add(1, [2, 3]);
  expect(pool.after(1)).toEqual([
    [2, 3],
    [4, 5],
  ]);
  pool.add(1, [6, 7]);
  expect(pool.after(1)).toEqual([
    [6, 7],
    [2, 3],
  ]);
  expect(pool.after(9)).toEqual([]);
  const copy = pool.copy();
  copy.add(1, [8, 9]);
  expect(pool.after(1)).toEqual([
    [6, 7],
    [2, 3],
  ]);
});
