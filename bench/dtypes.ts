/**
 * What each dtype keeps of fp32, and what it costs: perplexity, mean KL to fp32 in nats, agreement of the likeliest token
 * (of all positions, and of those where fp32 leads by half a nat), bytes of products and bits of a weight, t(1) and t(8). The texts are
 * prompts and what fp32 writes after them. --calibrated names what `foretoken calibrate` made of the model: one more row, in q4.
 *
 *   npm run bench:dtypes -- [--model DIR] [--dtypes q8,q4] [--calibrated DIR,...] [--tokens 32] [--prompts 40] [--json FILE]
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { logitsOf } from "../src/exactness/row-invariance.js";
import { AutoModelForCausalLM, type Dtype, type LanguageModel } from "../src/index.js";
import { architectureOf } from "../src/models/architectures.js";
import { Agreement, logProbabilities } from "./agreement.js";
import { interleaved, listFlag, report } from "./harness.js";

const [directory] = listFlag("model", ["models/target"]);
const dtypes = listFlag("dtypes", ["q8", "q4"]) as Dtype[];
const calibrated = listFlag("calibrated", []);
const maxNewTokens = Number(listFlag("tokens", ["32"])[0]);
const most = Number(listFlag("prompts", ["40"])[0]);
const ROUNDS = 15;

const prompts = readFileSync("test/golden/prompts.jsonl", "utf8")
  .trim()
  .split("\n")
  .slice(0, most)
  .map((line) => (JSON.parse(line) as { prompt: string }).prompt);
const load = (from: string, dtype: Dtype) => AutoModelForCausalLM.fromPretrained(from, { dtype, contextLength: 1024 });
const reference = await load(directory, "fp32");
const models: [name: string, LanguageModel][] = [["fp32", reference]];
for (const dtype of dtypes) models.push([dtype, await load(directory, dtype)]);
for (const from of calibrated) models.push([`q4 ${basename(from)}`, await load(from, "q4")]);

const found = new Map(models.map(([name]) => [name, new Agreement()]));

for (const prompt of prompts) {
  const plain = { maxNewTokens, ignoreEos: true, speculation: { method: "none" } };
  const ids = [...reference.tokenizer!.encode(prompt), ...(await reference.generate(prompt, plain)).tokenIds];
  const truth = (await logitsOf(reference.model, ids, 32)).map(logProbabilities);
  for (const [name, lm] of models) {
    const rows = lm === reference ? truth : (await logitsOf(lm.model, ids, 32)).map(logProbabilities);
    for (let i = 0; i + 1 < ids.length; i++) found.get(name)!.add(truth[i], rows[i], ids[i + 1]);
  }
}

const variants = [];
for (const [name, { model }] of models) {
  const sequence = model.newSequence();
  await model.prefill(
    sequence,
    Array.from({ length: 256 }, (_, i) => (i * 37 + 11) % model.vocabLimit),
  );
  for (const n of [1, 8]) {
    const tokens = Array.from({ length: n }, (_, i) => (i * 37 + 11) % model.vocabLimit);
    const run = async () => {
      await model.forward([{ sequence, tokens, needs: tokens.map(() => 2) }], (rows) => rows.argmax(0));
      sequence.rollback();
    };
    variants.push({ name: `${name} ${n}`, run });
  }
}
const timings = await interleaved(variants, ROUNDS, 2);
/** Weights that are multiplied. */
const products = architectureOf(reference.model.config)
  .weightSpecs(reference.model.config)
  .reduce((sum, spec) => sum + (spec.kind === "linear" ? spec.in * spec.out : 0), 0);
const table = [["dtype", "product", "perplexity", "KL", "agreement", "where sure", "MB", "bits", "t(1) ms", "t(8) ms"]];
models.forEach(([name, { model }], i) => {
  const { perplexity, kl, agreement } = found.get(name)!;
  const { product, tensors } = model.options.manifest;
  const bytes = Object.entries(tensors).reduce(
    (sum, [name, { length }]) => sum + (name === "embedding" ? 0 : length),
    0,
  );
  table.push([
    name,
    product,
    perplexity.toFixed(3),
    kl.toFixed(4),
    ...agreement.map((share) => `${(100 * share).toFixed(1)}%`),
    (bytes / 1e6).toFixed(1),
    ((8 * bytes) / products).toFixed(2),
    timings[2 * i].median.toFixed(2),
    timings[2 * i + 1].median.toFixed(2),
  ]);
});
const { positions, sure } = found.get("fp32")!;
report(`${directory}, ${positions} positions, ${sure} where fp32 is sure`, table, [...found]);
for (const [, lm] of models) await lm.dispose();
