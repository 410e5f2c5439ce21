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
import { interleaved, listFlag, report } from "./harness.js";

const [directory] = listFlag("model", ["models/target"]);
const dtypes = listFlag("dtypes", ["q8", "q4"]) as Dtype[];
const calibrated = listFlag("calibrated", []);
const maxNewTokens = Number(listFlag("tokens", ["32"])[0]);
const most = Number(listFlag("prompts", ["40"])[0]);
/** fp32's lead, in nats, from which on another choice is an error rather than a near tie. */
const LEAD = 0.5;
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

interface Sums {
  positions: number;
  sure: number;
  loss: number;
  kl: number;
  agree: number;
  agreeSure: number;
}
const sums = new Map<string, Sums>();
for (const [name] of models) sums.set(name, { positions: 0, sure: 0, loss: 0, kl: 0, agree: 0, agreeSure: 0 });

for (const prompt of prompts) {
  const plain = { maxNewTokens, ignoreEos: true, speculation: { method: "none" } };
  const ids = [...reference.tokenizer!.encode(prompt), ...(await reference.generate(prompt, plain)).tokenIds];
  const truth = (await logitsOf(reference.model, ids, 32)).map(logProbabilities);
  for (const [name, lm] of models) {
    const rows = lm === reference ? truth : (await logitsOf(lm.model, ids, 32)).map(logProbabilities);
    const sum = sums.get(name)!;
    for (let i = 0; i + 1 < ids.length; i++) {
      const [best, second] = leaders(truth[i]);
      const sure = truth[i][best] - truth[i][second] > LEAD;
      const same = leaders(rows[i])[0] === best;
      sum.positions++;
      sum.loss -= rows[i][ids[i + 1]];
      sum.kl += divergence(truth[i], rows[i]);
      if (same) sum.agree++;
      if (!sure) continue;
      sum.sure++;
      if (same) sum.agreeSure++;
    }
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
  const { positions, sure, loss, kl, agree, agreeSure } = sums.get(name)!;
  const { product, tensors } = model.options.manifest;
  const bytes = Object.entries(tensors).reduce(
    (sum, [name, { length }]) => sum + (name === "embedding" ? 0 : length),
    0,
  );
  table.push([
    name,
    product,
    Math.exp(loss / positions).toFixed(3),
    (kl / positions).toFixed(4),
    `${((100 * agree) / positions).toFixed(1)}%`,
    `${((100 * agreeSure) / sure).toFixed(1)}%`,
    (bytes / 1e6).toFixed(1),
    ((8 * bytes) / products).toFixed(2),
    timings[2 * i].median.toFixed(2),
    timings[2 * i + 1].median.toFixed(2),
  ]);
});
const { positions, sure } = sums.get("fp32")!;
report(`${directory}, ${positions} positions, ${sure} where fp32 is sure`, table, [...sums]);
for (const [, lm] of models) await lm.dispose();

function logProbabilities(logits: Float32Array): Float64Array {
  const rows = Float64Array.from(logits);
  let max = Number.NEGATIVE_INFINITY;
  for (const value of rows) if (value > max) max = value;
  let sum = 0;
  for (const value of rows) sum += Math.exp(value - max);
  const total = max + Math.log(sum);
  return rows.map((value) => value - total);
}

/** The likeliest token and the next one. */
function leaders(row: Float64Array): [number, number] {
  let [best, second] = row[0] >= row[1] ? [0, 1] : [1, 0];
  for (let i = 2; i < row.length; i++) {
    if (row[i] > row[best]) [best, second] = [i, best];
    else if (row[i] > row[second]) second = i;
  }
  return [best, second];
}

function divergence(p: Float64Array, q: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += Math.exp(p[i]) * (p[i] - q[i]);
  return sum;
}
