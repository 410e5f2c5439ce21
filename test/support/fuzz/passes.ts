import { expect } from "vitest";
import { Need, type PassResult, type Sequence, type TokenRows } from "../../../src/index.js";
import type { Random } from "../random.js";

/** By a change that is never right, so that nothing is done to it. */
export function isInPass(sequence: Sequence): boolean {
  try {
    sequence.commit([-5]);
  } catch (error) {
    return /in a pass/.test(String(error));
  }
  throw new Error("a wrong commit was taken");
}

export function readAll(result: PassResult, requests: readonly TokenRows[]): void {
  requests.forEach(({ needs }, s) => {
    needs.forEach((need, row) => {
      if (need & Need.logits) result.logits(row, s);
      if (need & Need.top) expect(result.top(row, s).ids[0]).toBe(result.argmax(row, s));
      if (need & Need.logSumExp) expect(result.logSumExp(row, s)).not.toBeNaN();
      if (need & Need.hidden) result.hidden(row, s);
    });
  });
}

export function turn(random: Random): Promise<void> {
  return random.chance(0.5) ? Promise.resolve() : new Promise((resolve) => setImmediate(resolve));
}
