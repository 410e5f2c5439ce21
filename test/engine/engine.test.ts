import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { logitsOf } from "../../src/exactness/row-invariance.js";
import { type Dtype, type LanguageModel, Need, type Sequence, type TokenRows } from "../../src/index.js";
import { model, TARGET } from "../support/models.js";
import { some, tier } from "../support/tier.js";

const DTYPES: Dtype[] = ["fp32", "q8", "q4"];
const tokens = (n: number, salt = 0) => Array.from({ length: n }, (_, i) => ((i + 1) * 7919 + salt * 104_729) % 4096);

/** Keys and values of the committed rows, all layers. */
function cacheOf({ model: lm }: LanguageModel, sequence: Sequence): Float32Array[] {
  return Array.from({ length: 2 * lm.config.numLayers }, (_, i) => sequence.cache.read(i, sequence.length));
}

describe.each(DTYPES)("%s", (dtype) => {
  test("rows are the same bits however they are cut into passes", async () => {
    const lm = await model(TARGET, dtype);
    const ids = tokens(tier(300, 150));
    const single = await logitsOf(lm.model, ids, 1);
    for (const chunk of some([2, 3, 5, 17, 64, 128, 256], 4)) {
      expectSameBits(await logitsOf(lm.model, ids, chunk), single, `chunks of ${chunk}`);
    }
  });

  test("the cache does not depend on the prefill's chunks", async () => {
    const lm = await model(TARGET, dtype);
    const ids = tokens(200);
    const caches = [];
    for (const chunk of [1, 7, 64, 200]) {
      using sequence = lm.model.newSequence();
      await lm.model.prefill(sequence, ids, { chunk });
      caches.push(cacheOf(lm, sequence));
    }
    for (const cache of caches.slice(1)) expectSameBits(cache, caches[0], "cache");
  });

  test.each([2, 3, 4])("%i sequences of different lengths in one pass do not see each other", async (count) => {
    const lm = await model(TARGET, dtype);
    const sequences = Array.from({ length: count }, () => lm.model.newSequence());
    const requests: (TokenRows & { parents: number[] })[] = [];
    const expected: Float32Array[][] = [];
    for (const [s, sequence] of sequences.entries()) {
      const prompt = tokens(5 + 40 * s, s);
      const rows = tokens(1 + 3 * ((s + 1) % 3), s + 9);
      // A chain, and under its first row a side branch where there is room.
      const parents = rows.map((_, i) => (i === rows.length - 1 && i > 1 ? 0 : i - 1));
      await lm.model.prefill(sequence, prompt);
      const needs = rows.map(() => Need.logits | Need.hidden);
      const read = (r: { logits(i: number): Float32Array; hidden(i: number): Float32Array }) =>
        rows.flatMap((_, i) => [r.logits(i).slice(), r.hidden(i).slice()]);
      expected.push(await lm.model.forward([{ sequence, tokens: rows, parents, needs }], read));
      sequence.rollback();
      requests.push({ sequence, tokens: rows, parents, needs });
    }
    const together = await lm.model.forward(requests, (r) =>
      requests.map(({ tokens: rows }, s) => rows.flatMap((_, i) => [r.logits(i, s).slice(), r.hidden(i, s).slice()])),
    );
    expect(together).toEqual(expected);
    for (const sequence of sequences) sequence.dispose();
  });

  test("any tree, commit, rollback and fork leaves the cache of a fresh prefill", async () => {
    const lm = await model(TARGET, dtype);
    const step = fc.record({
      rows: fc.array(fc.tuple(fc.nat(4095), fc.nat(1000)), { minLength: 1, maxLength: 8 }),
      chain: fc.boolean(),
      passes: fc.integer({ min: 1, max: 2 }),
      leaf: fc.nat(1000),
      end: fc.constantFrom("commit", "commit", "commit", "drop", "back", "fork"),
    });
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      let sequence = lm.model.newSequence();
      let ids = tokens(6);
      let sideBranches = false;
      await lm.model.prefill(sequence, ids);
      for (const { rows, chain, passes, leaf, end } of steps) {
        const parents: number[] = [];
        const added: number[] = [];
        for (let pass = 0; pass < passes; pass++) {
          const first = added.length;
          rows.forEach(([token, parent], i) => {
            added.push(token);
            parents.push(chain ? first + i - 1 : (parent % (first + i + 1)) - 1);
          });
          const needs = rows.map(() => Need.nothing);
          const request = { sequence, tokens: added.slice(first), parents: parents.slice(first), needs };
          await lm.model.forward([request], () => undefined);
        }
        if (end === "drop") sequence.rollback();
        else {
          const path: number[] = [];
          for (let row = leaf % added.length; row >= 0; row = parents[row]) path.unshift(row);
          sideBranches ||= path.some((row, i) => row !== i);
          sequence.commit(path);
          ids = [...ids, ...path.map((row) => added[row])];
        }
        if (end === "back") {
          ids = ids.slice(0, Math.max(1, ids.length - 3));
          sequence.rollback(ids.length);
        }
        if (end === "fork") {
          const fork = sequence.fork();
          sequence.dispose();
          sequence = fork;
        }
        expect(sequence.length).toBe(ids.length);
        expect(sequence.pending).toBe(0);
      }
      const fresh = lm.model.newSequence();
      await lm.model.prefill(fresh, ids);
      const [got, expected] = [cacheOf(lm, sequence), cacheOf(lm, fresh)];
      if (!sideBranches) expectSameBits(got, expected, "cache");
      else expect(largestDifference(got, expected)).toBeLessThan(dtype === "fp32" ? 1e-3 : 0.5);
      fresh.dispose();
      sequence.dispose();
    });
    await fc.assert(property, { numRuns: tier(40, 8), seed: 20_240_701 });
  });

  test("top-k, log-sum-exp and argmax agree with the logits", async () => {
    const lm = await model(TARGET, dtype);
    using sequence = lm.model.newSequence();
    const ids = tokens(9);
    const all = Need.logits | Need.top | Need.logSumExp | Need.hidden;
    const needs = ids.map((_, i) => [all, Need.top, Need.hidden, Need.logSumExp, Need.nothing, Need.logits][i % 6]);
    needs[8] = all;
    await lm.model.forward(
      [{ sequence, tokens: ids, needs }],
      (r) => {
        const row = r.logits(8);
        const order = [...row.keys()].sort((a, b) => row[b] - row[a] || a - b);
        expect(r.top(8).ids).toEqual(order.slice(0, 5));
        expect(r.argmax(8)).toBe(order[0]);
        expect([...r.top(8).logits]).toEqual(order.slice(0, 5).map((id) => row[id]));
        const sum = row.reduce((total, value) => total + Math.exp(value), 0);
        expect(r.logSumExp(8)).toBeCloseTo(Math.log(sum), 4);
        expect(r.hidden(8).length).toBe(256);
      },
      { k: 5 },
    );
  });
});

/** toEqual takes seconds for a million floats. */
function expectSameBits(got: Float32Array[], expected: Float32Array[], what: string): void {
  expect(got.length).toBe(expected.length);
  const bytes = (array: Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  got.forEach((array, i) => {
    if (Buffer.compare(bytes(array), bytes(expected[i])) !== 0) expect.fail(`${what}: array ${i} differs`);
  });
}

function largestDifference(a: Float32Array[], b: Float32Array[]): number {
  let largest = 0;
  a.forEach((array, i) => {
    array.forEach((value, j) => {
      largest = Math.max(largest, Math.abs(value - b[i][j]));
    });
  });
  return largest;
}
