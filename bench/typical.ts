/**
 * Typical acceptance against its threshold: how far the output drifts from the target, and what that buys. Outputs are
 * judged by their perplexity under the target (at temperature 1), next to that of texts the target sampled itself.
 *
 *   npm run bench:typical -- [--temperature 0.7] [--size 135M] [--json FILE]
 */
import { readFileSync } from "node:fs";
import type { LanguageModel, SingleOptions } from "../src/index.js";
import { interleaved, listFlag, pairedRatio, report } from "./harness.js";
import { draftOf, headsOf, type Size, targetOf } from "./models.js";

const THRESHOLDS = [0.05, 0.09, 0.15, 0.3];
const NEW_TOKENS = 64;
const ROUNDS = 7;
/** Prompts that are timed; quality is judged on all. */
const TIMED = 3;
const SEEDS = [1, 2];

const temperature = Number(listFlag("temperature", ["0.7"])[0]);
const [size] = listFlag("size", ["135M"]) as Size[];
const prompts: { prompt: string }[] = readFileSync("test/golden/prompts.jsonl", "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line))
  .filter((_, i) => i % 4 === 0);

const target = await targetOf(size, "q8");
const draft = await draftOf("fp32");
const heads = await headsOf(target);
const drafters: Record<string, SingleOptions> = {
  "medusa, 16 nodes": { speculation: { method: "medusa", heads, treeNodes: 16 } },
  "draft tree 3 x 2 x 1": { assistantModel: draft, speculation: { method: "draft", treeWidths: [3, 2, 1] } },
};
const rows = [["drafter", "acceptance", "tokens/pass", "x plain", "perplexity", "tokens before leaving plain's text"]];
const details: unknown[] = [];
for (const [drafter, way] of Object.entries(drafters)) {
  const rules: [string, SingleOptions][] = [
    ["plain", { speculation: { method: "none" } }],
    ["exact", way],
    ...THRESHOLDS.map((threshold): [string, SingleOptions] => [
      `typical ${threshold}`,
      // alpha is the threshold's square root, as in Medusa's repository.
      {
        ...way,
        speculation: {
          ...way.speculation,
          acceptance: "typical",
          posteriorThreshold: threshold,
          posteriorAlpha: Math.sqrt(threshold),
        },
      },
    ]),
  ];
  const outputs = new Map<string, Output[]>();
  for (const [name, options] of rules) outputs.set(name, await generateAll(target, options, prompts));
  const timed = prompts.slice(0, TIMED);
  const variants = rules.map(([name, options]) => ({
    name,
    run: async () => void (await generateAll(target, options, timed)),
  }));
  const timings = await interleaved(variants, ROUNDS);
  const plain = outputs.get("plain")!;
  for (const [i, [name]] of rules.entries()) {
    const own = outputs.get(name)!;
    const tokensPerPass = sum(own, (o) => o.tokens.length) / sum(own, (o) => o.passes);
    const speedUp = pairedRatio(timings[0], timings[i]);
    const perplexity = Math.exp(-sum(own, (o) => sum(o.logProbs, (l) => l)) / sum(own, (o) => o.tokens.length));
    const same = sum(own, (o, j) => agreement(o.tokens, plain[j].tokens)) / own.length;
    const figures = [tokensPerPass, speedUp, perplexity].map((figure) => figure.toFixed(2));
    rows.push([i === 0 ? "" : drafter, name, ...figures, same.toFixed(1)]);
    details.push({ drafter, name, tokensPerPass, speedUp, perplexity, same });
  }
}
report(
  `Typical acceptance, ${size} q8, temperature ${temperature}, ${NEW_TOKENS} tokens of each output`,
  rows,
  details,
);

interface Output {
  tokens: number[];
  /** Under the target at temperature 1, without processors. */
  logProbs: number[];
  passes: number;
}

async function generateAll(lm: LanguageModel, options: SingleOptions, own: typeof prompts): Promise<Output[]> {
  const outputs: Output[] = [];
  for (const { prompt } of own) {
    for (const seed of SEEDS) {
      const all = { ...options, temperature, seed, maxNewTokens: NEW_TOKENS, ignoreEos: true, logProbs: 0 };
      const { tokenIds, logProbs, stats } = await lm.generate(prompt, all);
      outputs.push({ tokens: tokenIds, logProbs: logProbs!, passes: stats.targetPasses });
    }
  }
  return outputs;
}

/** Tokens before the first that differs. */
function agreement(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((token, i) => token !== b[i]);
  return at < 0 ? a.length : at;
}

function sum<T>(items: readonly T[], of: (item: T, index: number) => number): number {
  return items.reduce((total, item, i) => total + of(item, i), 0);
}
