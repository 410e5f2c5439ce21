/**
 * A step's own work: everything but model passes. Vocabulary 32,000, trees of 64 nodes, greedy and sampled.
 *
 *   npm run bench:overhead -- [--json FILE]
 */
import { existsSync } from "node:fs";
import { AutoModelForCausalLM, AutoTokenizer, type GenerateOptions, type LanguageModel } from "../src/index.js";
import { Binding } from "../src/runtime/binding.js";
import { Sampler } from "../src/sampling/sampler.js";
import { quantile, report } from "./harness.js";
import { largeHeads, largeVocabulary, VOCABULARY } from "./large-vocabulary.js";

const SMOLLM2 = "models-real/SmolLM2-135M-Instruct";
const NEW_TOKENS = 128;
const ROUNDS = 9;
const PROMPT = "One day, a small frog wanted to see the big world. The frog was very";

/** Time inside the runtime, and rows that the sampler looked at, since they were last taken. */
const counted = { passMs: 0, rows: 0 };
const run = Binding.prototype.run;
Binding.prototype.run = function (this: Binding) {
  const start = performance.now();
  run.call(this);
  counted.passMs += performance.now() - start;
};
const runAsync = Binding.prototype.runAsync;
Binding.prototype.runAsync = async function (this: Binding, signal?: AbortSignal) {
  const start = performance.now();
  await runAsync.call(this, signal);
  counted.passMs += performance.now() - start;
};
for (const name of ["tryChoose", "chooseTop"] as const) {
  const original = Sampler.prototype[name] as (this: Sampler, ...args: unknown[]) => unknown;
  Object.assign(Sampler.prototype, {
    [name](this: Sampler, ...args: unknown[]) {
      counted.rows++;
      return original.apply(this, args);
    },
  });
}

const target = await largeVocabulary("models/target");
const draft = await largeVocabulary("models/draft");
const heads = await largeHeads(target);
/** A second instance of the target, which drafts with its heads. */
const drafting = await largeVocabulary("models/target");
const prompt = (await AutoTokenizer.fromPretrained("models/target")).encode(PROMPT);
const own = (speculation: Record<string, unknown>): GenerateOptions => ({ speculation });
const drafted = (speculation: Record<string, unknown>): GenerateOptions => ({
  assistantModel: draft,
  speculation: { method: "draft", ...speculation },
});
const cases: Record<string, GenerateOptions> = {
  none: own({ method: "none" }),
  "draft, K = 8": drafted({ numSpeculativeTokens: 8 }),
  "draft, tree 4 x 3 x 2 x 1": drafted({ treeWidths: [4, 3, 2, 1] }),
  "layer-skip, K = 4": own({ method: "layer-skip" }),
  "medusa, 64 nodes": own({ method: "medusa", heads, treeNodes: 64 }),
  "medusa, 64 nodes, dynamic": own({ method: "medusa", heads, treeNodes: 64, dynamicTree: true }),
  "draft-medusa, 64 nodes": {
    assistantModel: { model: drafting.model, tokenizer: undefined, heads },
    speculation: { method: "draft-medusa", treeNodes: 64 },
  },
  "lookahead, W 10, N 5, G 6": own({ method: "lookahead", windowSize: 10, ngramSize: 5, guessSize: 6 }),
  "ngram, K = 64": own({ method: "ngram", numSpeculativeTokens: 64 }),
  "suffix, K = 64": own({ method: "suffix", numSpeculativeTokens: 64 }),
  "recycling, 64 nodes": own({ method: "recycling", treeNodes: 64 }),
  "merged: medusa, ngram, recycling": own({
    method: "merged",
    drafters: ["medusa", "ngram", "recycling"],
    heads,
    mergedNodes: 64,
  }),
};

/** Drafts with another tokenizer need two real ones: SmolLM2's vocabulary of 49,152, where it is. */
const foreign = existsSync(SMOLLM2)
  ? await AutoModelForCausalLM.fromPretrained(SMOLLM2, { contextLength: 1024 })
  : undefined;
const foreignDraft = foreign && (await AutoModelForCausalLM.fromPretrained("models/draft"));
for (const alignment of foreign ? (["shared", "text"] as const) : []) {
  cases[`universal, ${alignment}, K = 8`] = {
    assistantModel: foreignDraft,
    speculation: { method: "universal", alignment, numSpeculativeTokens: 8 },
  };
}

const rows = [["method", "greedy ms a step", "quartiles", "sampled ms a step", "rows sampled a step", "ms a row"]];
const details: unknown[] = [];
for (const [name, options] of Object.entries(cases)) {
  const lm = name.startsWith("universal") ? foreign! : target;
  const greedy = await overhead(lm, options);
  const sampled = await overhead(lm, { ...options, temperature: 0.7, seed: 1 });
  const perRow = (sampled.median - greedy.median) / sampled.rows;
  rows.push([
    name,
    greedy.median.toFixed(3),
    `${greedy.low.toFixed(3)}-${greedy.high.toFixed(3)}`,
    sampled.median.toFixed(3),
    sampled.rows.toFixed(1),
    perRow.toFixed(3),
  ]);
  details.push({ name, greedy, sampled, perRow });
}
report(`A step's own work, vocabulary ${VOCABULARY}`, rows, details);

async function overhead(lm: LanguageModel, options: GenerateOptions) {
  const ms: number[] = [];
  let rowsAStep = 0;
  for (let round = -2; round < ROUNDS; round++) {
    let start = 0;
    let before = { ...counted };
    // From the first token on: reading the prompt is no step.
    for await (const event of lm.stream(lm === foreign ? PROMPT : prompt, {
      ...options,
      maxNewTokens: NEW_TOKENS,
      ignoreEos: true,
    })) {
      if (start === 0) [start, before] = [performance.now(), { ...counted }];
      if (event.type !== "finish") continue;
      const steps = event.stats.targetPasses - 1;
      const taken = performance.now() - start - (counted.passMs - before.passMs);
      if (round >= 0) ms.push(taken / steps);
      rowsAStep = (counted.rows - before.rows) / steps;
    }
  }
  return { median: quantile(ms, 0.5), low: quantile(ms, 0.25), high: quantile(ms, 0.75), rows: rowsAStep };
}
