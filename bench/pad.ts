/**
 * Plain against speculative decoding with the embedded draft, on the embedded target padded to the cost of larger models.
 * Ideal: what the run's own t(n), draft cost and tokens per pass allow, reading the prompt included in both.
 *
 *   npm run bench:pad -- [--size embedded,135M,500M] [--dtype q8,q4,fp32] [--k 2,3,4,6] [--temperature 0] [--json FILE]
 */
import { type Dtype, type GenerationStats, type LanguageModel, Need, type SingleOptions } from "../src/index.js";
import { interleaved, listFlag, pairedRatio, quantile, report, type Timing, type Variant } from "./harness.js";
import { draftOf, type Size, targetOf } from "./models.js";

const ROUNDS = 5;
const NEW_TOKENS = 64;
/** Passes in one timing, and the tokens before them. */
const PASSES = 24;
const PAST = 48;
/** One prompt of each kind. */
const PROMPTS = [
  "Once upon a time there was a poor miller who had a daughter and a grey cat. Every morning the cat",
  "Question: Tom has 3 boxes with 12 pencils in each box. He gives 6 pencils to his sister. How many pencils does Tom have left?\nAnswer:",
  'The king said to his youngest son, "Go into the forest and',
  'The fox looked up at the crow and said, "Good morning, madam." The crow did not answer. The fox looked up at the crow and said,',
];

interface Run {
  dtype: Dtype;
  k: number;
  timing: Timing;
  stats: GenerationStats[];
}

const temperature = Number(listFlag("temperature", ["0"])[0]);
const sampling: SingleOptions = { temperature, seed: 1, maxNewTokens: NEW_TOKENS, ignoreEos: true };
const lengths = listFlag("k", ["2", "3", "4", "6"]).map(Number);
const heading = [
  "size",
  "dtype",
  "K",
  "ms/token",
  "tokens/pass",
  "x plain",
  "x best plain",
  "ideal",
  "of ideal",
  "overhead ms/step",
  "cpu/wall",
];
const rows = [heading];
const details: unknown[] = [];

for (const size of listFlag("size", ["embedded", "135M", "500M"]) as Size[]) {
  const dtypes = listFlag("dtype", size === "500M" ? ["q8", "q4"] : ["q8", "q4", "fp32"]) as Dtype[];
  const draft = await draftOf("fp32");
  const targets = new Map<Dtype, LanguageModel>();
  for (const dtype of dtypes) targets.set(dtype, await targetOf(size, dtype));
  const runs: Omit<Run, "timing">[] = dtypes.flatMap((dtype) => [0, ...lengths].map((k) => ({ dtype, k, stats: [] })));
  const variants = runs.map((run) => ({
    name: `${run.dtype} ${run.k}`,
    run: async () => {
      run.stats.length = 0;
      const assisted =
        run.k > 0
          ? { assistantModel: draft, speculation: { method: "draft", numSpeculativeTokens: run.k } }
          : { speculation: { method: "none" } };
      for (const prompt of PROMPTS) {
        run.stats.push((await targets.get(run.dtype)!.generate(prompt, { ...sampling, ...assisted })).stats);
      }
    },
  }));
  // The passes that the ideal is computed from, timed in the same rounds.
  const passes = [
    ...dtypes.flatMap((dtype) => [1, ...lengths.map((k) => k + 1)].map((n) => passesOf(targets.get(dtype)!, dtype, n))),
    passesOf(draft, "draft", 1),
  ];
  const timings = await interleaved([...variants, ...passes], ROUNDS);
  const passMs = (name: string, n: number) => timings.find((t) => t.name === passName(name, n))!.median / PASSES;
  const plainOf = (dtype: Dtype) => timings[runs.findIndex((run) => run.dtype === dtype && run.k === 0)];
  const best = dtypes.map(plainOf).reduce((a, b) => (b.median < a.median ? b : a));
  runs.forEach((run, i) => {
    const timing = timings[i];
    const tokens = sum(run.stats, (s) => s.newTokens);
    const steps = sum(run.stats, (s) => s.targetPasses);
    const stepMs = passMs(run.dtype, run.k + 1) + run.k * passMs("draft", 1);
    const plain = runs[runs.findIndex((other) => other.dtype === run.dtype && other.k === 0)];
    const prefillMs = (stats: GenerationStats[]) => sum(stats, (s) => s.prefillMs);
    const ideal = (prefillMs(plain.stats) + tokens * passMs(run.dtype, 1)) / (prefillMs(run.stats) + steps * stepMs);
    const speedUp = pairedRatio(plainOf(run.dtype), timing);
    const overhead = quantile(
      run.stats.map((s) => s.overheadMs / s.targetPasses),
      0.5,
    );
    rows.push([
      size,
      run.dtype,
      run.k === 0 ? "plain" : String(run.k),
      (timing.median / tokens).toFixed(2),
      (tokens / steps).toFixed(2),
      speedUp.toFixed(2),
      pairedRatio(best, timing).toFixed(2),
      ideal.toFixed(2),
      (speedUp / ideal).toFixed(2),
      overhead.toFixed(3),
      timing.cpuOverWall.toFixed(2),
    ]);
    details.push({ size, ...run, timing, ideal, speedUp, t1: passMs(run.dtype, 1), stepMs });
  });
  for (const lm of [draft, ...targets.values()]) await lm.dispose();
}
report(
  `Plain against speculative, ${NEW_TOKENS} tokens of ${PROMPTS.length} prompts, temperature ${temperature}`,
  rows,
  details,
);

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function passName(name: string, n: number): string {
  return `${name}: pass of ${n}`;
}

/** Passes of n rows, each row asking for its argmax. */
function passesOf({ model }: LanguageModel, name: string, n: number): Variant {
  const ids = Array.from({ length: PAST + n }, (_, i) => (i * 37 + 11) % model.vocabLimit);
  const sequence = model.newSequence();
  const request = { sequence, tokens: ids.slice(PAST), needs: ids.slice(PAST).map(() => Need.top) };
  const run = async () => {
    if (sequence.length === 0) await model.prefill(sequence, ids.slice(0, PAST));
    for (let i = 0; i < PASSES; i++) {
      await model.forward([request], (result) => result.argmax(0));
      sequence.rollback();
    }
  };
  return { name: passName(name, n), run };
}
