/**
 * Side by side with llama.cpp, which the reader has built: the same checkpoint, the same prompts, greedy, in turn. Only
 * decoding counts. Prompts go to both as the same text; equal numbers of prompt tokens are checked.
 *
 *   npm run bench:peers -- --llama BIN --gguf FILE --model DIR [--heads DIR] [--dtype q4] [--tokens 128] [--rounds 3]
 *     [--json FILE]
 *
 * How to build llama.cpp from npm's node-llama-cpp, and to make the GGUF files: bench/peers/README.md.
 */
import {
  AutoModelForCausalLM,
  configureRuntime,
  type Dtype,
  loadEagleHeads,
  type SpeculationOptions,
} from "../../src/index.js";
import { chatPrompts, listFlag, quantile, report } from "../harness.js";
import { runLlama } from "./llama.js";

const [bin] = listFlag("llama", []);
const [gguf] = listFlag("gguf", []);
const [directory] = listFlag("model", []);
if (!bin || !gguf || !directory) throw new Error("give --llama BIN --gguf FILE --model DIR: see bench/peers/README.md");
const [dtype] = listFlag("dtype", ["q4"]) as Dtype[];
const maxNewTokens = Number(listFlag("tokens", ["128"])[0]);
const rounds = Number(listFlag("rounds", ["3"])[0]);
const THREADS = 2;

const OURS: Record<string, SpeculationOptions> = {
  plain: { method: "none" },
  auto: { method: "auto" },
  ngram: { method: "ngram" },
  suffix: { method: "suffix" },
  "merged: suffixes, recycling": { method: "merged", drafters: ["suffix", "recycling"] },
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
const model = await AutoModelForCausalLM.fromPretrained(directory, { dtype, contextLength: 2048 });
const [headsFolder] = listFlag("heads", []);
if (headsFolder) {
  const heads = await loadEagleHeads(headsFolder, model);
  OURS["auto with EAGLE-3 heads"] = { method: "auto", heads };
  OURS["EAGLE-3, K = 3"] = { method: "eagle", heads, numSpeculativeTokens: 3 };
}
const prompts = chatPrompts("bench/peers/prompts.jsonl");

/** Tokens per second of each variant, kind by kind, over rounds and prompts. */
const speeds = new Map<string, Map<string, number[]>>();
const note = (variant: string, kind: string, speed: number) => {
  const kinds = speeds.get(variant) ?? new Map<string, number[]>();
  speeds.set(variant, kinds.set(kind, [...(kinds.get(kind) ?? []), speed]));
};
let promptsThatDiffer = 0;
const differing = new Map(Object.keys(THEIRS).map((name) => [name, 0]));
for (let round = 0; round < rounds; round++) {
  for (const { kind, messages } of prompts) {
    const text = model.tokenizer!.renderChat(messages);
    for (const [name, speculation] of Object.entries(OURS)) {
      const { stats } = await model.generate(messages, { maxNewTokens, ignoreEos: true, speculation });
      note(`foretoken ${name}`, kind, stats.tokensPerSecond);
    }
    let plainText = "";
    for (const [name, speculation] of Object.entries(THEIRS)) {
      const result = await runLlama(text, { bin, gguf, threads: THREADS, maxNewTokens, speculation });
      note(`llama.cpp ${name}`, kind, result.tokensPerSecond);
      if (round > 0) continue;
      if (!speculation) {
        plainText = result.text.trim();
        if (result.promptTokens !== model.promptIds(messages).length) promptsThatDiffer++;
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
