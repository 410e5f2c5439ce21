/**
 * Drafters that were trained for a model, on chats that training never saw: tokens per pass, and speed-up of decoding over
 * plain decoding, by kind of prompt. Greedy; rounds are interleaved, ratios are those of a round.
 *
 *   npm run bench:trained -- --model DIR [--heads DIR,DIR] [--draft DIR] [--dtype q4] [--prompts FILE] [--count N]
 *     [--tokens 128] [--rounds 3] [--methods NAMES] [--json FILE]
 *
 * --prompts: lines with "messages", or with "prompt" for models that continue texts; --count: so many of each kind.
 */
import { methodOfHeads } from "../src/cli/heads.js";
import {
  AutoModelForCausalLM,
  type Dtype,
  type GenerationStats,
  loadEagleHeads,
  loadMedusaHeads,
  type SingleOptions,
} from "../src/index.js";
import { listFlag, promptsOr, quantile, report } from "./harness.js";

const [directory] = listFlag("model", []);
if (!directory) throw new Error("give --model DIR, and --heads DIR or --draft DIR");
const dtype = listFlag("dtype", [])[0] as Dtype | undefined;
const maxNewTokens = Number(listFlag("tokens", ["128"])[0]);
const rounds = Number(listFlag("rounds", ["3"])[0]);
const only = listFlag("methods", []);

const model = await AutoModelForCausalLM.fromPretrained(directory, { dtype });
const prompts = promptsOr("bench/trained-prompts.jsonl");

const ways: Record<string, SingleOptions> = {
  plain: { speculation: { method: "none" } },
  ngram: { speculation: { method: "ngram" } },
  "auto (n-grams)": {},
};
for (const folder of listFlag("heads", [])) {
  if (methodOfHeads(folder) === "eagle") {
    const heads = await loadEagleHeads(folder, model);
    for (const K of [2, 3, 4, 6])
      ways[`eagle K=${K}`] = { speculation: { method: "eagle", heads, numSpeculativeTokens: K } };
    for (const treeNodes of [7, 15])
      ways[`eagle tree ${treeNodes}`] = { speculation: { method: "eagle", heads, treeNodes } };
    ways["merged: eagle, ngram"] = { speculation: { method: "merged", drafters: ["eagle", "ngram"], heads } };
    ways["auto with eagle"] = { speculation: { heads } };
  } else {
    const heads = await loadMedusaHeads(folder, model);
    for (const treeNodes of [3, 7, 15])
      ways[`medusa ${treeNodes}`] = { speculation: { method: "medusa", heads, treeNodes } };
    ways["merged: medusa, ngram"] = { speculation: { method: "merged", drafters: ["medusa", "ngram"], heads } };
    ways["auto with medusa"] = { speculation: { heads } };
  }
}
for (const folder of listFlag("draft", [])) {
  const assistantModel = await AutoModelForCausalLM.fromPretrained(folder, { dtype });
  for (const K of [2, 3, 4]) {
    ways[`draft K=${K}`] = { assistantModel, speculation: { method: "draft", numSpeculativeTokens: K } };
  }
  ways["merged: draft, ngram"] = { assistantModel, speculation: { method: "merged", drafters: ["draft", "ngram"] } };
  ways["auto with draft"] = { assistantModel };
}
const wanted = ([name]: [string, SingleOptions]) =>
  only.length === 0 || name === "plain" || only.some((begin) => name.startsWith(begin));
const cases = Object.entries(ways).filter(wanted);

const kinds = [...new Set(prompts.map(({ kind }) => kind)), "all"];
const found = new Map<string, { stats: GenerationStats; round: number }[]>();
let differing = 0;
for (let round = -1; round < rounds; round++) {
  for (const { kind, input } of prompts) {
    let plain = "";
    for (const [name, options] of cases) {
      const { stats, text } = await model.generate(input, { maxNewTokens, ...options });
      if (name === "plain") plain = text;
      else if (text !== plain) differing++;
      if (round < 0) continue;
      for (const of of [kind, "all"]) {
        const key = `${name}: ${of}`;
        found.set(key, [...(found.get(key) ?? []), { stats, round }]);
      }
    }
  }
}

const total = (stats: readonly GenerationStats[], of: (each: GenerationStats) => number) =>
  stats.reduce((all, each) => all + of(each), 0);
const decodeMs = ({ totalMs, prefillMs }: GenerationStats) => totalMs - prefillMs;
const rows = cases.map(([name]) => [
  name,
  ...kinds.map((kind) => {
    const [own, plain] = [found.get(`${name}: ${kind}`)!, found.get(`plain: ${kind}`)!];
    const ratios = Array.from({ length: rounds }, (_, round) => {
      const ms = (list: typeof own) =>
        total(
          list.filter((each) => each.round === round).map(({ stats }) => stats),
          decodeMs,
        );
      return ms(plain) / ms(own);
    });
    const stats = own.map(({ stats }) => stats);
    const tokensPerPass = total(stats, (each) => each.newTokens) / total(stats, (each) => each.targetPasses);
    return `${tokensPerPass.toFixed(2)}: ${quantile(ratios, 0.5).toFixed(2)}x`;
  }),
]);
const cost = await model.measureCost({ past: 128 });
const t = [1, 2, 3, 4, 5, 8, 9, 16].map((n) => `${n}: ${cost.at(n).toFixed(1)}`).join(", ");
report(`${directory}, ${model.dtype}; ms of a pass by rows: ${t}`, [["", ...kinds], ...rows], { rows, kinds });
process.stdout.write(`Texts that differ from plain decoding's: ${differing}.\n`);
await model.dispose();
