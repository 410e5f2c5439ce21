/**
 * Method "auto" against plain decoding, and plain decoding against itself: what the guard gains, and that it loses no more
 * than the noise. Prompts of all kinds, and random tokens, where nothing can be guessed.
 *
 *   npm run bench:auto -- [--size embedded] [--model DIR] [--tokens 96] [--rounds 9] [--json FILE]
 */
import { AutoModelForCausalLM, type LanguageModel, type SingleOptions } from "../src/index.js";
import { interleaved, listFlag, pairedRatio, report, textsByKind } from "./harness.js";
import { draftOf, type Size, targetOf } from "./models.js";

const [size] = listFlag("size", ["embedded"]) as Size[];
const [directory] = listFlag("model", [""]);
const maxNewTokens = Number(listFlag("tokens", ["96"])[0]);
const rounds = Number(listFlag("rounds", ["9"])[0]);
/** Prompts of each kind. */
const OF_A_KIND = 2;

const target = directory
  ? await AutoModelForCausalLM.fromPretrained(directory, { contextLength: 2048 })
  : await targetOf(size, "q8");
const draft = directory ? undefined : await draftOf("q8");

const kinds = new Map<string, (string | number[])[]>(textsByKind(OF_A_KIND));
let state = 1;
const random = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};
const noise = Array.from({ length: OF_A_KIND }, () =>
  Array.from({ length: 64 }, () => 3 + Math.floor(random() * (target.vocabLimit - 3))),
);
kinds.set("random tokens", noise);

const rows = [
  ["prompts", "plain ms", "plain again", "auto: speed-up", "tokens/pass", "with draft: speed-up", "drafted"],
];
const details: unknown[] = [];
for (const [kind, prompts] of kinds) {
  // Random tokens are sampled hot, so that the output is noise as well.
  const sampling: SingleOptions = kind === "random tokens" ? { temperature: 20, seed: 1 } : {};
  const common = { ...sampling, maxNewTokens, ignoreEos: true };
  const plain = { ...common, speculation: { method: "none" } };
  const stats = { auto: [0, 0], drafted: 0 };
  const all = async (lm: LanguageModel, options: SingleOptions) => {
    let [tokens, passes, drafted] = [0, 0, 0];
    for (const prompt of prompts) {
      const { stats: got } = await lm.generate(prompt, options);
      tokens += got.newTokens;
      passes += got.targetPasses;
      drafted += got.draftedTokens;
    }
    return { tokens, passes, drafted };
  };
  const variants = [
    { name: "plain", run: async () => void (await all(target, plain)) },
    { name: "plain again", run: async () => void (await all(target, plain)) },
    {
      name: "auto",
      run: async () => {
        const { tokens, passes } = await all(target, common);
        stats.auto = [tokens, passes];
      },
    },
  ];
  if (draft) {
    const run = async () => {
      stats.drafted = (await all(target, { ...common, assistantModel: draft })).drafted;
    };
    variants.push({ name: "auto with draft", run });
  }
  const [first, again, auto, assisted] = await interleaved(variants, rounds);
  rows.push([
    kind,
    first.median.toFixed(1),
    `${pairedRatio(first, again).toFixed(3)}x`,
    `${pairedRatio(first, auto).toFixed(3)}x`,
    (stats.auto[0] / stats.auto[1]).toFixed(2),
    assisted ? `${pairedRatio(first, assisted).toFixed(3)}x` : "-",
    assisted ? `${stats.drafted}` : "-",
  ]);
  details.push({ kind, timings: [first, again, auto, assisted] });
}
report(`Method auto: ${directory || size}, ${maxNewTokens} tokens, ${rounds} rounds`, rows, details);
await target.dispose();
await draft?.dispose();
