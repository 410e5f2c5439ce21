import { expect, test } from "vitest";
import { LookaheadWindow } from "../../../../src/methods/lookahead/window.js";
import { WindowBudget } from "../../../../src/methods/lookahead/window-budget.js";

const MOST = { windowSize: 8, ngramSize: 5, guessSize: 6 };

/** The sizes after every period of steps that accept this much. */
function sizes(budget: WindowBudget, accepted: number[]): number[][] {
  return accepted.map((mean) => {
    for (let step = 0; step < 16; step++) budget.observe(mean);
    const { windowSize, ngramSize, guessSize } = budget.size;
    return [windowSize, ngramSize, guessSize];
  });
}

test("rows shrink while few guesses are accepted, and grow again", () => {
  const budget = new WindowBudget(MOST, true);
  expect(sizes(budget, [0, 0, 0, 0])).toEqual([
    [4, 4, 3],
    [2, 3, 2],
    [1, 3, 1],
    [1, 3, 1],
  ]);
  let ran = 0;
  for (let step = 0; step < 16; step++) {
    if (budget.runsWindow) ran++;
    budget.observe(4);
  }
  expect(ran).toBe(4);
  expect(sizes(budget, [4, 4])).toEqual([
    [4, 5, 3],
    [8, 5, 6],
  ]);
});

test("unless it is adaptive, and for each copy apart", () => {
  expect(sizes(new WindowBudget(MOST, false), [0, 0, 4])).toEqual(new Array(3).fill([8, 5, 6]));
  const budget = new WindowBudget(MOST, true);
  const copy = budget.copy();
  sizes(budget, [0]);
  expect(copy.size.windowSize).toBe(8);
  expect(sizes(copy, [0])).toEqual([[4, 4, 3]]);
});

test.each([
  [3, 5],
  [8, 3],
  [2, 2],
  [1, 2],
  [9, 6],
])("a window made W %i, N %i has its rows, and goes on", (width, ngram) => {
  const window = new LookaheadWindow(5, 4, (column) => column + 1);
  window.resize(width, ngram);
  expect(window.sizes, "while it fills up").toEqual([6]);
  while (window.warmingUp)
    window.advance(
      0,
      window.rows().read.map((_, i) => i + 10),
    );
  window.resize(width, ngram);
  const steady = [width - 1, ...new Array(ngram - 2).fill(width)];
  for (let step = 0; step < 4; step++) {
    expect(window.sizes).toEqual(steady);
    const { read } = window.rows();
    expect(read.length).toBe(width);
    const ngrams = window.advance(
      7,
      read.map((_, i) => i + 20),
    );
    expect(ngrams.map(({ rest }) => rest.length)).toEqual(new Array(width).fill(ngram - 1));
    expect(ngrams.flatMap(({ first, rest }) => [first, ...rest]).every(Number.isInteger)).toBe(true);
  }
});
