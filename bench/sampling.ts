/**
 * The time to choose a token from one row of logits, by processor. Rows are Gumbel noise sharpened to an entropy of about 2 nats; every
 * one is another.
 *
 *   npm run bench:sampling -- [--vocab 32000] [--json FILE]
 */
import type { SamplingParams } from "../src/index.js";
import { TokenHistory } from "../src/sampling/history.js";
import { Sampler } from "../src/sampling/sampler.js";
import { resolveSamplingParams } from "../src/sampling/sampling-params.js";
import { interleaved, listFlag, report } from "./harness.js";

const ROWS = 50;
const ROUNDS = 21;
const SHARPNESS = 1.6;

const vocabSize = Number(listFlag("vocab", ["32000"])[0]);
const cases: Record<string, Partial<SamplingParams>> = {
  greedy: {},
  "temperature 0.7": { temperature: 0.7 },
  "temperature 1, top-k 50": { temperature: 1, topK: 50 },
  "temperature 1, top-p 0.9": { temperature: 1, topP: 0.9 },
  "temperature 1, min-p 0.05": { temperature: 1, minP: 0.05 },
  "temperature 1, typical-p 0.9": { temperature: 1, typicalP: 0.9 },
  "temperature 0.7, repetition penalty 1.1": { temperature: 0.7, repetitionPenalty: 1.1 },
  "all of them": { temperature: 1, topK: 50, topP: 0.9, minP: 0.05, typicalP: 0.95, repetitionPenalty: 1.1 },
};

const rows = Array.from({ length: ROWS }, (_, r) => {
  const noise = (i: number) => (Math.sin((r * vocabSize + i) * 12.9898) * 43_758.5453) % 1;
  return Float32Array.from(
    { length: vocabSize },
    (_, i) => -SHARPNESS * Math.log(-Math.log(Math.abs(noise(i)) + 1e-12)),
  );
});
const history = new TokenHistory(Array.from({ length: 512 }, (_, i) => (i * 7919) % vocabSize));
const variants = Object.entries(cases).map(([name, options]) => {
  const params = resolveSamplingParams(options);
  const sampler = new Sampler({ params, vocabSize, eosTokenIds: [0] });
  const run = () => {
    for (const row of rows) sampler.choose(row, history);
  };
  return { name, run };
});
const timings = await interleaved(variants, ROUNDS, 3);
report(
  `Choosing a token from a row of ${vocabSize} logits`,
  [
    ["processors", "ms a row", "quartiles"],
    ...timings.map((t) => [
      t.name,
      (t.median / ROWS).toFixed(3),
      `${(t.low / ROWS).toFixed(3)}-${(t.high / ROWS).toFixed(3)}`,
    ]),
  ],
  timings,
);
