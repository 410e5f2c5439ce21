/**
 * Side by side with llama.cpp, which the reader has built: the same checkpoint, the same prompts, greedy, in turn. Only
 * decoding counts. Prompts go to both as the same text; equal numbers of prompt tokens are checked.
 *
 *   npm run bench:peers -- --llama BIN --gguf FILE --model DIR [--heads DIR] [--draft DIR --draft-gguf FILE] [--dtype q4]
 *     [--prompts FILE] [--count N] [--tokens 128] [--rounds 3] [--json FILE]
 *
 * --prompts: lines with "messages", or with "prompt" for models that continue texts; --count: so many of each kind.
 *
 * How to build llama.cpp from npm's node-llama-cpp, and to make the GGUF files: bench/peers/README.md.
 */
import {
  AutoModelForCausalLM,
  configureRuntime,
  type Dtype,
  loadEagleHeads,
  type SingleOptions,
} from "../../src/index.js";
import { listFlag, promptsOr, quantile, report } from "../harness.js";
import { runLlama } from "./llama.js";

const [bin] = listFlag("llama", []);
const [gguf] = listFlag("gguf", []);
const [directory] = listFlag("model", []);
if (!bin || !gguf || !directory) throw new Error("give --llama BIN --gguf FILE --model DIR: see bench/peers/README.md");
const [dtype] = listFlag("dtype", ["q4"]) as Dtype[];
const maxNewTokens = Number(listFlag("tokens", ["128"])[0]);
const rounds = Number(listFlag("rounds", ["3"])[0]);
const THREADS = 2;

const OURS: Record<string, SingleOptions> = {
  plain: { speculation: { method: "none" } },
  auto: {},
  ngram: { speculation: { method: "ngram" } },
  suffix: { speculation: { method: "suffix" } },
  "merged: suffixes, recycling": { speculation: { method: "merged", drafters: ["suffix", "recycling"] } },
};
const simple = (n: number, m: number) => [
  ...["--spec-type", "ngram-simple", "--spec-ngram-simple-size-n", `${n}`, "--spec-ngram-simple-size-m", `${m}`],
];
/** Its default drafts 48 tokens at a time, after 12 that match; shorter ones suit these texts better. */
const THEIRS: Record<string, readonly string[] | undefined> = {
  plain: undefined,
  "ngram-simple 3, 8 tokens": simple(3, 8),
  "ngram-simple 4, 8 tokens": simple(4, 8),
  "ngram-simple 3, 48 tokens": simple(3, 48),
};

configureRuntime({ threads: THREADS });
const model = await AutoModelForCausalLM.fromPretrained(directory, { dtype });
const [headsFolder] = listFlag("heads", []);
if (headsFolder) {
  const heads = await loadEagleHeads(headsFolder, model);
  OURS["auto with EAGLE-3 heads"] = { speculation: { heads } };
  OURS["EAGLE-3, K = 3"] = { speculation: { method: "eagle", heads, numSpeculativeTokens: 3 } };
}
const [draftFolder] = listFlag("draft", []);
const [draftGguf] = listFlag("draft-gguf", []);
if (draftFolder && draftGguf) {
  const assistantModel = await AutoModelForCausalLM.fromPretrained(draftFolder, { dtype });
  OURS["auto with the draft"] = { assistantModel };
  for (const K of [3, 4, 6, 8]) {
    OURS[`draft, K = ${K}`] = { assistantModel, speculation: { method: "draft", numSpeculativeTokens: K } };
    THEIRS[`draft-simple, ${K} tokens`] = [
      "--spec-type",
      "draft-simple",
      "-md",
      draftGguf,
      "--spec-draft-n-max",
      `${K}`,
    ];
  }
}
const prompts = promptsOr("bench/peers/prompts.jsonl");

/** Tokens per second of each variant, kind by kind, over rounds and prompts. */
const speeds = new Map<string, Map<string, number[]>>();
const note = (variant: string, kind: string, speed: number) => {
  const kinds = speeds.get(variant) ?? new Map<string, number[]>();
  speeds.set(variant, kinds.set(kind, [...(kinds.get(kind) ?? []), speed]));
};
let promptsThatDiffer = 0;
const differing = new Map(Object.keys(THEIRS).map((name) => [name, 0]));
for (let round = 0; round < rounds; round++) {
  for (const { kind, input } of prompts) {
    const text = typeof input === "string" ? input : model.tokenizer!.renderChat(input);
    for (const [name, options] of Object.entries(OURS)) {
      const { stats } = await model.generate(input, { maxNewTokens, ignoreEos: true, ...options });
      note(`foretoken ${name}`, kind, stats.tokensPerSecond);
    }
    let plainText = "";
    for (const [name, speculation] of Object.entries(THEIRS)) {
      const result = await runLlama(text, { bin, gguf, threads: THREADS, maxNewTokens, speculation });
      note(`llama.cpp ${name}`, kind, result.tokensPerSecond);
      if (round > 0) continue;
      if (!speculation) {
        plainText = result.text.trim();
        if (result.promptTokens !== model.promptIds(input).length) promptsThatDiffer++;
      } else if (!result.text.includes(plainText.slice(0, -8))) differing.set(name, differing.get(name)! + 1);
    }
  }
}

const kinds = [...new Set(prompts.map(({ kind }) => kind))];
const medians = (variant: string) => kinds.map((kind) => quantile(speeds.get(variant)!.get(kind)!, 0.5));
const overall = (variant: string) => {
  const times = medians(variant).map((speed) => 1 / speed);
  return times.length / times.reduce((a, b) => a + b, 0);
};
const reference = overall("llama.cpp plain");
const rows = [...speeds.keys()].map((variant) => [
  variant,
  ...medians(variant).map((speed) => speed.toFixed(1)),
  overall(variant).toFixed(1),
  `${(overall(variant) / reference).toFixed(2)}x`,
]);
report(
  `${directory} in ${dtype}, llama.cpp with ${gguf}: tokens per second of decoding, medians of ${rounds} rounds`,
  [["", ...kinds, "all", "of llama.cpp plain"], ...rows],
  [...speeds].map(([variant, of]) => ({ variant, speeds: Object.fromEntries(of) })),
);
process.stdout.write(`Prompts with other numbers of tokens: ${promptsThatDiffer} of ${prompts.length}.\n`);
for (const [name, count] of differing) {
  if (THEIRS[name])
    process.stdout.write(`llama.cpp ${name}: ${count} of ${prompts.length} texts differ from its plain decoding.\n`);
}
await model.dispose();
