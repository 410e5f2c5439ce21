/**
 * How fast prompts are read, beside llama.cpp: the same text, in turn, tokens per second, each by its own count of them.
 *
 *   node build/bench/peers/reading.js --llama BIN --gguf FILE --model DIR [--dtype q4] [--text README.md] [--tokens 512] [--rounds 5]
 */
import { readFileSync } from "node:fs";
import { AutoModelForCausalLM, configureRuntime, type Dtype } from "../../src/index.js";
import { listFlag, quantile, report } from "../harness.js";
import { runLlama } from "./llama.js";

const THREADS = 2;
const [bin] = listFlag("llama", []);
const [gguf] = listFlag("gguf", []);
const [directory] = listFlag("model", []);
if (!bin || !gguf || !directory) throw new Error("give --llama BIN --gguf FILE --model DIR: see bench/peers/README.md");
const [dtype] = listFlag("dtype", ["q4"]) as Dtype[];
const tokens = Number(listFlag("tokens", ["512"])[0]);
const rounds = Number(listFlag("rounds", ["5"])[0]);

configureRuntime({ threads: THREADS });
const { model, tokenizer, dispose } = await opened();
const ids = tokenizer.encode(readFileSync(listFlag("text", ["README.md"])[0], "utf8")).slice(0, tokens);
const text = tokenizer.decode(ids);

/** Tokens per second. */
const speeds = { foretoken: [] as number[], "llama.cpp": [] as number[] };
for (let round = -1; round < rounds; round++) {
  const sequence = model.newSequence();
  const start = performance.now();
  await model.prefill(sequence, ids);
  const ms = performance.now() - start;
  sequence.dispose();
  const { promptTokens, promptMs } = await runLlama(text, { bin, gguf, threads: THREADS, maxNewTokens: 2 });
  if (round < 0) continue;
  speeds.foretoken.push((1000 * ids.length) / ms);
  speeds["llama.cpp"].push((1000 * promptTokens) / promptMs!);
}
const rows = Object.entries(speeds).map(([name, of]) => [name, ...[0.5, 0, 1].map((q) => quantile(of, q).toFixed(0))]);
report(
  `${directory} in ${dtype}, llama.cpp with ${gguf}: reading ${ids.length} tokens, tokens per second`,
  [["", "median", "least", "most"], ...rows],
  speeds,
);
await dispose();

async function opened() {
  const lm = await AutoModelForCausalLM.fromPretrained(directory, { dtype });
  return { model: lm.model, tokenizer: lm.tokenizer!, dispose: () => lm.dispose() };
}
