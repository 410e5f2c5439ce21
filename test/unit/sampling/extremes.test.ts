import { expect, test } from "vitest";
import { TokenHistory } from "../../../src/sampling/history.js";
import { Sampler } from "../../../src/sampling/sampler.js";
import { resolveSamplingParams } from "../../../src/sampling/sampling-params.js";
import type { SamplingParams } from "../../../src/types/sampling-params.js";

const VOCABULARY = 200;
/** Logits as models have them, the likeliest at 77; negative ones too. */
const ROW = Float32Array.from({ length: VOCABULARY }, (_, id) => (id === 77 ? 21 : 20 * Math.sin(id)));
const NEGATIVE = ROW.map((logit) => logit - 100);

function samplerOf(given: Partial<SamplingParams>): Sampler {
  return new Sampler({ params: resolveSamplingParams({ seed: 3, ...given }), vocabSize: VOCABULARY, eosTokenIds: [] });
}

/** After a prompt and an output that hold every token, so that penalties meet all. */
function history(): TokenHistory {
  const all = Array.from({ length: VOCABULARY }, (_, id) => id);
  const history = new TokenHistory(all);
  for (const id of all) history.push(id);
  return history;
}

/** A choice and a distribution without NaN; the choice is one of the distribution's. */
function draw(given: Partial<SamplingParams>, row: Float32Array): number {
  const sampler = samplerOf(given);
  const { ids, probs, count } = sampler.distribution(row, history());
  const kept = [...probs.subarray(0, count)];
  expect(kept.every((p) => p >= 0 && p <= 1)).toBe(true);
  expect(kept.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
  const token = sampler.choose(row, history());
  expect([...ids.subarray(0, count)]).toContain(token);
  expect(sampler.chooseTop(row, history(), 3)[0]).toBe(token);
  return token;
}

const rows = { positive: ROW, negative: NEGATIVE };

for (const [name, row] of Object.entries(rows)) {
  test.each([1e-10, 1e-30, 1e-36, 1e-37, 1.1e-38, 1e-38, 1e-39, 1e-45, 1e-300, 5e-324])(
    `temperature %d takes the likeliest (${name} logits)`,
    (temperature) => {
      for (const filter of [{}, { topP: 0.9 }, { typicalP: 0.5 }, { minP: 0.1 }, { topK: 3 }]) {
        expect(draw({ temperature, ...filter }, row), JSON.stringify(filter)).toBe(77);
      }
    },
  );

  test.each<Partial<SamplingParams>>([
    { topP: 1e-300 },
    { topP: 5e-324 },
    { minP: 1 },
    { topK: 1 },
    { topK: 1, topP: 1e-300, minP: 1, typicalP: 1e-300 },
    { logitBias: new Map([[77, 1e300]]) },
    { logitBias: new Map([[77, Number.MAX_VALUE]]), temperature: 0.01 },
  ])(`%j leaves the likeliest (${name} logits)`, (given) => {
    expect(draw({ temperature: 1, ...given }, row)).toBe(77);
  });

  test.each<Partial<SamplingParams>>([
    { temperature: 1e30 },
    { temperature: 1e300 },
    { temperature: Number.MAX_VALUE, topP: 0.5 },
    { typicalP: 1e-300 },
    { minP: 5e-324 },
    { repetitionPenalty: 1e30 },
    { repetitionPenalty: 1e-30 },
    { presencePenalty: 1e300 },
    { presencePenalty: -1e300 },
    { frequencyPenalty: 1e300, presencePenalty: -1e300 },
    { frequencyPenalty: Number.MAX_VALUE, presencePenalty: Number.MAX_VALUE },
    { logitBias: new Map([[5, -1e300]]) },
    {
      logitBias: new Map([
        [5, 1e300],
        [6, 1e300],
      ]),
      temperature: 0.1,
    },
  ])(`%j gives a distribution (${name} logits)`, (given) => {
    draw({ temperature: 1, ...given }, row);
    const greedy = samplerOf({ ...given, temperature: undefined }).choose(row, history());
    expect(greedy).toBeGreaterThanOrEqual(0);
  });
}

test("a hot temperature is nearly uniform", () => {
  const { probs, count } = samplerOf({ temperature: 1e30 }).distribution(ROW, history());
  expect(count).toBe(VOCABULARY);
  for (const p of probs) expect(p).toBeCloseTo(1 / VOCABULARY, 9);
});

test("an extreme repetition penalty keeps the order of the tokens that it meets", () => {
  for (const row of [ROW, NEGATIVE]) {
    for (const repetitionPenalty of [1e-30, 1e30]) {
      expect(samplerOf({ repetitionPenalty }).choose(row, history())).toBe(77);
    }
  }
});

test("a token banned by -Infinity stays banned, whatever penalties do", () => {
  const logitBias = new Map([[77, Number.NEGATIVE_INFINITY]]);
  for (const given of [{ repetitionPenalty: 1e-30 }, { presencePenalty: -1e300 }, { temperature: 1e-37 }]) {
    expect(draw({ temperature: 1, logitBias, ...given }, ROW)).not.toBe(77);
  }
});

test("temperatures that floats divide by are as they were", () => {
  const params = { temperature: 0.7, topP: 0.95 };
  const scaled = ROW.map((logit) => logit / 0.7);
  const wanted = samplerOf({ ...params, temperature: 1 }).distribution(scaled, history());
  expect(samplerOf(params).distribution(ROW, history())).toEqual(wanted);
});
