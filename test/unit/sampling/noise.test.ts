import { expect, test } from "vitest";
import { TokenHistory } from "../../../src/sampling/history.js";
import { GUMBEL_BOUNDS, gumbel, NoiseStream, noiseBits, noiseKey, uniform } from "../../../src/sampling/noise.js";
import { Sampler } from "../../../src/sampling/sampler.js";
import { GREEDY } from "../../../src/sampling/sampling-options.js";
import { chiSquareTest } from "../../support/statistics.js";
import { tier } from "../../support/tier.js";

const BINS = 64;
const SAMPLES = tier(200_000, 50_000);

/** Pairs of noise values that a sampler may rely on being independent. */
const pairs: [name: string, first: (i: number) => number, second: (i: number) => number][] = [
  ["tokens", (i) => at(9, 0, 5, i), (i) => at(9, 0, 5, i + 1)],
  ["positions", (i) => at(9, 0, i, 77), (i) => at(9, 0, i + 1, 77)],
  ["seeds", (i) => at(i, 0, 3, 77), (i) => at(i + 1, 0, 3, 77)],
  ["seeds 2^32 apart", (i) => at(i, 0, 3, 77), (i) => at(i + 2 ** 32, 0, 3, 77)],
  ["samples", (i) => at(i, 0, 3, 77), (i) => at(i, 1, 3, 77)],
  ["seed and position", (i) => at(i, 0, 4, 77), (i) => at(i + 1, 0, 3, 77)],
];

test.each(pairs)("noise is uniform and independent between neighbouring %s", (_, first, second) => {
  const one = new Array<number>(BINS).fill(0);
  const joint = new Array<number>(BINS).fill(0);
  const side = Math.sqrt(BINS);
  for (let i = 0; i < SAMPLES; i++) {
    const [a, b] = [first(i), second(i)];
    one[Math.floor(a * BINS)]++;
    joint[Math.floor(a * side) * side + Math.floor(b * side)]++;
  }
  const even = new Array<number>(BINS).fill(1 / BINS);
  expect(chiSquareTest(one, even)).toBeGreaterThan(1e-4 / (2 * pairs.length));
  expect(chiSquareTest(joint, even)).toBeGreaterThan(1e-4 / (2 * pairs.length));
});

test("streams of one position differ", () => {
  const values = Object.values(NoiseStream).map((stream) => noiseBits(noiseKey(1, 0, 0, stream), 0));
  expect(new Set(values).size).toBe(values.length);
});

test("Gumbel noise follows its law and stays under the bound of its leading zeros", () => {
  const key = noiseKey(3, 0, 0, NoiseStream.gumbel);
  const counts = new Array<number>(BINS).fill(0);
  for (let token = 0; token < SAMPLES; token++) {
    const value = gumbel(key, token);
    // Its distribution function, e^-e^-x, makes it uniform.
    counts[Math.min(BINS - 1, Math.floor(Math.exp(-Math.exp(-value)) * BINS))]++;
    expect(value).toBeLessThanOrEqual(GUMBEL_BOUNDS[Math.clz32(noiseBits(key, token))]);
  }
  expect(chiSquareTest(counts, new Array<number>(BINS).fill(1 / BINS))).toBeGreaterThan(1e-4);
});

test("choose skips most of the noise and still finds the very argmax of 32,000 tokens", () => {
  const vocabSize = 32_000;
  for (const spread of [0, 1, 4, 12]) {
    const params = { ...GREEDY, doSample: true, seed: 5 };
    const sampler = new Sampler({ params, vocabSize, eosTokenIds: [] });
    const history = new TokenHistory([1]);
    for (let position = 0; position < tier(40, 5); position++) {
      const row = Float32Array.from({ length: vocabSize }, (_, id) => spread * at(position, 1, 1, id) - 7);
      const key = noiseKey(5, 0, position, NoiseStream.gumbel);
      const scores = Array.from(row, (logit, id) => logit + gumbel(key, id));
      const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, 4);
      expect(sampler.choose(row, history)).toBe(order[0]);
      expect(sampler.chooseTop(row, history, 4)).toEqual(order);
      history.push(position);
    }
  }
});

/** A uniform number of (seed, sample, position, token). */
function at(seed: number, sample: number, position: number, token: number): number {
  return uniform(noiseKey(seed, sample, position, NoiseStream.gumbel), token);
}
