/**
 * What each dtype keeps of fp32, and what it costs: perplexity, mean KL to fp32 in nats, agreement of the likeliest token
 * (of all positions, and of those where fp32 leads by half a nat), bytes of products, t(1) and t(8). The texts are prompts and what
 * fp32 writes after them.
 *
 *   npm run bench:dtypes -- [--model DIR] [--dtypes q8,q4] [--tokens 32] [--prompts 40] [--json FILE]
 */
import { readFileSync } from "node:fs";
import { logitsOf } from "../src/exactness/row-invariance.js";
import { AutoModelForCausalLM, type Dtype, type LanguageModel } from "../src/index.js";
import { Agreement, logProbabilities } from "./agreement.js";
import { interleaved, listFlag, report } from "./harness.js";

const [directory] = listFlag("model", ["models/target"]);
const dtypes = listFlag("dtypes", ["q8", "q4"]) as Dtype[];
const maxNewTokens = Number(listFlag("tokens", ["32"])[0]);
const most = Number(listFlag("prompts", ["40"])[0]);
const ROUNDS = 15;

const prompts = readFileSync("test/golden/prompts.jsonl", "utf8")
  .trim()
  .split("\n")
  .slice(0, most)
  .map((line) => (JSON.parse(line) as { prompt: string }).prompt);
const load = (dtype: Dtype) => AutoModelForCausalLM.fromPretrained(directory, { dtype, contextLength: 1024 });
const reference = await load("fp32");
const models: [Dtype, LanguageModel][] = [["fp32", reference]];
for (const dtype of dtypes) models.push([dtype, await load(dtype)]);

const found = new Map(models.map(([dtype]) => [dtype, new Agreement()]));

for (const prompt of prompts) {
  const plain = { maxNewTokens, ignoreEos: true, speculation: { method: "none" } };
  const ids = [...reference.tokenizer!.encode(prompt), ...(await reference.generate(prompt, plain)).tokenIds];
  const truth = (await logitsOf(reference.model, ids, 32)).map(logProbabilities);
  for (const [dtype, lm] of models) {
    const rows = lm === reference ? truth : (await logitsOf(lm.model, ids, 32)).map(logProbabilities);
    for (let i = 0; i + 1 < ids.length; i++) found.get(dtype)!.add(truth[i], rows[i], ids[i + 1]);
  }
}

const variants = [];
for (const [dtype, { model }] of models) {
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
    variants.push({ name: `${dtype} ${n}`, run });
  }
}
const timings = await interleaved(variants, ROUNDS, 2);
const table = [["dtype", "product", "perplexity", "KL", "agreement", "where sure", "MB", "t(1) ms", "t(8) ms"]];
models.forEach(([dtype, { model }], i) => {
  const { perplexity, kl, agreement } = found.get(dtype)!;
  const { product, tensors } = model.options.manifest;
  const bytes = Object.entries(tensors).reduce(
    (sum, [name, { length }]) => sum + (name === "embedding" ? 0 : length),
    0,
  );
  table.push([
    dtype,
    product,
    perplexity.toFixed(3),
    kl.toFixed(4),
    ...agreement.map((share) => `${(100 * share).toFixed(1)}%`),
    (bytes / 1e6).toFixed(1),
    timings[2 * i].median.toFixed(2),
    timings[2 * i + 1].median.toFixed(2),
  ]);
});
const { positions, sure } = found.get("fp32")!;
report(`${directory}, ${positions} positions, ${sure} where fp32 is sure`, table, [...found]);
for (const [, lm] of models) await lm.dispose();
