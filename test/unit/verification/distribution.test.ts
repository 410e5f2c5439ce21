import { expect, test } from "vitest";
import type { SamplingParams } from "../../../src/types/sampling-params.js";
import { chiSquareTest } from "../../support/statistics.js";
import { deepTier, tier } from "../../support/tier.js";
import {
  exactProbabilities,
  type Fault,
  indexOfOutput,
  LENGTH,
  speculate,
  type Trial,
  VOCABULARY,
} from "../../support/tiny-speculation.js";

/** Sampled output has the target's distribution: counted over whole outputs, against exact probabilities. */
const SAMPLES = deepTier(200_000, 80_000, 8_000);
const FAULTY_SAMPLES = tier(50_000, 6_000);
const PROCESSORS: Record<string, Partial<SamplingParams>> = {
  "temperature 0.6": { temperature: 0.6 },
  "top-k 3": { topK: 3 },
  "top-p 0.7": { temperature: 1.4, topP: 0.7 },
  penalties: { repetitionPenalty: 1.4, presencePenalty: 0.3, frequencyPenalty: 0.2 },
};
const SHAPES: Record<string, number[]> = { chain: [1, 1], tree: [3, 2] };

const cases = Object.keys(PROCESSORS).flatMap((processor) =>
  Object.keys(SHAPES).flatMap((shape) =>
    (["gumbel", "maximal"] as const).map((coupling) => ({ processor, shape, coupling })),
  ),
);

test.each(cases)("$coupling, $shape, $processor", ({ processor, shape, coupling }) => {
  const p = pValue({ params: PROCESSORS[processor], widths: SHAPES[shape], coupling }, SAMPLES);
  expect(p).toBeGreaterThan(1e-4 / cases.length);
});

const chain = { params: PROCESSORS["temperature 0.6"], widths: SHAPES.chain };
const faults: [Fault, Trial][] = [
  ["no residual", { ...chain, coupling: "maximal" }],
  ["bonus from the wrong row", { ...chain, coupling: "maximal" }],
  ["bonus from the wrong row", { ...chain, coupling: "gumbel" }],
  ["q not processed", { ...chain, coupling: "maximal" }],
  ["noise reused", { ...chain, coupling: "gumbel" }],
  ["no residual", { ...chain, widths: SHAPES.tree, coupling: "maximal" }],
  ["q not processed", { ...chain, widths: SHAPES.tree, coupling: "maximal" }],
  ["rejected siblings kept", { ...chain, widths: SHAPES.tree, coupling: "maximal" }],
];
test.each(faults)("a planted fault is found: %s, %o", (fault, trial) => {
  expect(pValue({ ...trial, fault }, FAULTY_SAMPLES)).toBeLessThan(1e-9);
});

function pValue(trial: Trial, samples: number): number {
  const counts = new Array<number>(VOCABULARY ** LENGTH).fill(0);
  for (let seed = 0; seed < samples; seed++) counts[indexOfOutput(speculate(trial, seed))]++;
  return chiSquareTest(counts, exactProbabilities(trial.params));
}
