import { expect, test } from "vitest";
import { BudgetShares } from "../../../../src/methods/merged/budget-shares.js";

/** Shares after a hundred steps in which each drafter had this many of its eight nodes right. */
function after(right: number[]): BudgetShares {
  const shares = new BudgetShares(right.length);
  for (let step = 0; step < 100; step++)
    right.forEach((count, i) => {
      shares.observe(i, 8, count);
    });
  return shares;
}

test("nodes follow what was right, and everybody keeps one", () => {
  expect(after([4, 0, 0]).split(12)).toEqual([10, 1, 1]);
  expect(after([1, 3]).split(10)).toEqual([3, 7]);
  expect(after([0, 0, 0]).split(9)).toEqual([3, 3, 3]);
});

test("they add up to the budget, also where it does not reach", () => {
  const shares = after([1, 2, 3]);
  for (let total = 0; total <= 40; total++) expect(shares.split(total).reduce((a, b) => a + b, 0)).toBe(total);
  expect(shares.split(2)).toEqual([0, 1, 1]);
  expect(shares.order()).toEqual([2, 1, 0]);
});

test("a drafter that proposed nothing of its own is not judged", () => {
  const shares = after([2, 2]);
  for (let step = 0; step < 100; step++) shares.observe(0, 0, 0);
  expect(shares.order()).toEqual([0, 1]);
  const copy = shares.copy();
  copy.observe(0, 8, 0);
  expect([copy.order(), shares.order()]).toEqual([
    [1, 0],
    [0, 1],
  ]);
});
