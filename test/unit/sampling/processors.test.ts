import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TokenHistory } from "../../../src/sampling/history.js";
import { Sampler } from "../../../src/sampling/sampler.js";
import { GREEDY } from "../../../src/sampling/sampling-options.js";
import { resolveSamplingParams } from "../../../src/sampling/sampling-params.js";
import type { SamplingParams } from "../../../src/types/sampling-params.js";
import { naivePenalties, naiveProbabilities } from "../../support/naive.js";
import { tier } from "../../support/tier.js";

const VOCABULARY = 24;
const EOS = [3];
const token = fc.nat(VOCABULARY - 1);
/** Multiples of 1/8: fp32 holds them and their sums exactly; ties are frequent. */
const row = fc.array(
  fc.integer({ min: -60, max: 60 }).map((n) => n / 8),
  { minLength: VOCABULARY, maxLength: VOCABULARY },
);
const filters = fc.record({
  temperature: fc.constantFrom(0.25, 0.5, 1, 2),
  topK: fc.constantFrom(0, 0, 1, 3, 10, 100),
  topP: fc.constantFrom(1, 1, 0.05, 0.3, 0.77, 0.95),
  minP: fc.constantFrom(0, 0, 0.013, 0.21),
  typicalP: fc.constantFrom(1, 1, 0.23, 0.91),
});
const penalties = fc.record({
  repetitionPenalty: fc.constantFrom(1, 1.25, 0.5),
  presencePenalty: fc.constantFrom(0, 0.5),
  frequencyPenalty: fc.constantFrom(0, 0.25, -0.5),
  logitBias: fc.array(fc.tuple(token, fc.constantFrom(-3, 2, Number.NEGATIVE_INFINITY)), { maxLength: 3 }),
  badWordsIds: fc.array(fc.array(token, { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
  minNewTokens: fc.constantFrom(0, 2),
});
const tokens = fc.array(token, { maxLength: 12 });

function samplerOf(given: Partial<SamplingParams>) {
  const params = { ...GREEDY, ...given };
  return { params, sampler: new Sampler({ params, vocabSize: VOCABULARY, eosTokenIds: EOS }) };
}

function historyOf(prompt: number[], output: number[]): TokenHistory {
  const history = new TokenHistory(prompt);
  for (const id of output) history.push(id);
  return history;
}

test("filters and penalties give the distribution of the obvious implementation", () => {
  const property = fc.property(row, filters, penalties, tokens, tokens, (logits, some, others, prompt, output) => {
    const given = { ...some, ...others, doSample: true, logitBias: new Map(others.logitBias) };
    const { params, sampler } = samplerOf(given);
    const expected = naiveProbabilities(logits, params, prompt, output, EOS);
    fc.pre(expected.some((p) => p > 0));
    const { ids, probs, count } = sampler.distribution(Float32Array.from(logits), historyOf(prompt, output));
    const got = expected.map(() => 0);
    for (let i = 0; i < count; i++) got[ids[i]] = probs[i];
    got.forEach((p, id) => {
      expect(p, `token ${id}`).toBeCloseTo(expected[id], 5);
      // e^-40 and less is lost in a double's rounding.
      if (expected[id] === 0 || expected[id] > 1e-17) expect(p > 0, `token ${id} kept`).toBe(expected[id] > 0);
    });
  });
  fc.assert(property, { numRuns: tier(3000, 1000), seed: 1 });
});

test("greedy takes the largest processed logit, the lowest id among equals", () => {
  const property = fc.property(row, penalties, tokens, tokens, (logits, given, prompt, output) => {
    const { params, sampler } = samplerOf({ ...given, logitBias: new Map(given.logitBias) });
    const processed = naivePenalties(logits, params, prompt, output, EOS).map(Math.fround);
    fc.pre(processed.some((logit) => logit > -Infinity));
    const best = processed.indexOf(Math.max(...processed));
    const history = historyOf(prompt, output);
    expect(sampler.choose(Float32Array.from(logits), history)).toBe(best);
    expect(sampler.chooseTop(Float32Array.from(logits), history, 3)[0]).toBe(best);
  });
  fc.assert(property, { numRuns: 1000, seed: 2 });
});

test("logits beyond the vocabulary are never seen", () => {
  const { sampler } = samplerOf({ doSample: true, temperature: 2 });
  const padded = new Float32Array(VOCABULARY + 8).fill(50, VOCABULARY);
  for (let i = 0; i < 200; i++) {
    expect(sampler.choose(padded, historyOf([1], Array(i).fill(1)))).toBeLessThan(VOCABULARY);
  }
  expect(samplerOf({}).sampler.choose(padded, historyOf([1], []))).toBeLessThan(VOCABULARY);
});

describe("errors", () => {
  test("every token forbidden", () => {
    const logitBias = new Map(Array.from({ length: VOCABULARY }, (_, id) => [id, Number.NEGATIVE_INFINITY]));
    const { sampler } = samplerOf({ doSample: true, logitBias });
    expect(() => sampler.choose(new Float32Array(VOCABULARY), historyOf([1], []))).toThrow(/every token is forbidden/);
  });

  test("a logit that is not a number", () => {
    const { sampler } = samplerOf({ doSample: true });
    const logits = new Float32Array(VOCABULARY).fill(Number.NaN, 4, 5);
    expect(() => sampler.choose(logits, historyOf([1], []))).toThrow(
      /logits of the token at position 0 are not finite/,
    );
  });

  test.each([
    [{ temperature: -1 }, /temperature must be >= 0, got -1/],
    [{ temperature: 0, doSample: true }, /temperature must be > 0 to sample/],
    [{ topK: 1.5 }, /topK must be a non-negative integer/],
    [{ topP: 0 }, /topP must be in \(0, 1\], got 0/],
    [{ minP: 2 }, /minP must be in \[0, 1\]/],
    [{ typicalP: Number.NaN }, /typicalP must be in/],
    [{ repetitionPenalty: 0 }, /repetitionPenalty must be > 0/],
    [{ presencePenalty: Number.POSITIVE_INFINITY }, /presencePenalty must be a finite number/],
    [{ minNewTokens: -1 }, /minNewTokens must be/],
    [{ seed: 0.5 }, /seed must be an integer/],
    [{ badWordsIds: [[]] }, /empty sequence/],
    [{ logitBias: new Map([[-4, 1]]) }, /logitBias maps -4/],
    [{ topp: 1 } as object, /unknown option "topp". Did you mean "topP"/],
  ])("%j", (given, message) => {
    expect(() => resolveSamplingParams(given)).toThrow(message);
  });
});
