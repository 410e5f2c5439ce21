import fc from "fast-check";
import { expect, it } from "vitest";
import { expMinus } from "../../../src/sampling/exp.js";
import { PartialOrder } from "../../../src/sampling/partial-order.js";

/** Ties, zeros, huge and tiny keys. */
const key = fc.oneof(fc.constantFrom(0, 1, 1.001, 1e30), fc.double({ min: 0, max: 50, noNaN: true }));
const items = fc.array(fc.tuple(key, fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 150 });

it("the beginning of the sorted order, up to the goal", () => {
  const order = new PartialOrder(150);
  fc.assert(
    fc.property(items, fc.double({ min: 0.01, max: 40, noNaN: true }), fc.boolean(), (pairs, goal, weighted) => {
      const keys = Float64Array.from(pairs, ([k]) => k);
      const weights = weighted ? Float64Array.from(pairs, ([, w]) => w) : undefined;
      const sorted = pairs.map((_, i) => i).sort((a, b) => keys[a] - keys[b] || a - b);
      let sum = 0;
      const expected = sorted.filter((i) => {
        const before = sum;
        sum += weights ? weights[i] : 1;
        return before < goal;
      });
      expect(order.until(goal, keys, pairs.length, weights)).toEqual(expected);
    }),
    { numRuns: 3000 },
  );
});

it("exponentials are those of Math.exp to the last digits", () => {
  for (let gap = 0; gap <= 40; gap += 0.00037) expect(Math.abs(expMinus(gap) / Math.exp(-gap) - 1)).toBeLessThan(1e-14);
  expect([expMinus(0), expMinus(41), expMinus(Infinity)]).toEqual([1, 0, 0]);
});
