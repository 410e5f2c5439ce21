/**
 * What keys and values in fewer bits keep of the fp32 cache, and what they cost: KL and agreement as in bench/dtypes.ts, bytes
 * of a token, and t(1) and t(8) after contexts of several lengths: CPU milliseconds, least of the rounds, and the paired ratio to the
 * fp32 cache's.
 *
 *   npm run bench:caches -- [--model DIR] [--dtype q4] [--tokens 32] [--prompts 12] [--pasts 512,4096,8000] [--rounds 15] [--json FILE]
 */
import { readFileSync } from "node:fs";
import { logitsOf } from "../src/exactness/row-invariance.js";
import { AutoModelForCausalLM, CACHE_DTYPES, type CacheDtype, type Dtype, type LanguageModel } from "../src/index.js";
import { cacheBytesPerToken } from "../src/models/onnx/cache-form.js";
import { Agreement, logProbabilities } from "./agreement.js";
import { listFlag, quantile, report } from "./harness.js";

const [directory] = listFlag("model", ["models/target"]);
const [dtype] = listFlag("dtype", ["q4"]) as Dtype[];
const maxNewTokens = Number(listFlag("tokens", ["32"])[0]);
const most = Number(listFlag("prompts", ["12"])[0]);
const pasts = listFlag("pasts", ["512", "4096", "8000"]).map(Number);
const rounds = Number(listFlag("rounds", ["15"])[0]);
/** Rows that are computed; the context beyond is copies of them, which cost the same to read. */
const COMPUTED = 256;
const ROWS = [1, 8];

const models = new Map<CacheDtype, LanguageModel>();
for (const cacheDtype of CACHE_DTYPES)
  models.set(cacheDtype, await AutoModelForCausalLM.fromPretrained(directory, { dtype, cacheDtype }));
const reference = models.get("fp32")!;

const found = new Map([...models.keys()].map((cacheDtype) => [cacheDtype, new Agreement()]));
const prompts = readFileSync("test/golden/prompts.jsonl", "utf8").trim().split("\n").slice(0, most);
for (const line of prompts) {
  const { prompt } = JSON.parse(line) as { prompt: string };
  const plain = { maxNewTokens, ignoreEos: true, speculation: { method: "none" } };
  const ids = [...reference.tokenizer!.encode(prompt), ...(await reference.generate(prompt, plain)).tokenIds];
  const truth = (await logitsOf(reference.model, ids, 32)).map(logProbabilities);
  for (const [cacheDtype, lm] of models) {
    const rows = lm === reference ? truth : (await logitsOf(lm.model, ids, 32)).map(logProbabilities);
    for (let i = 0; i + 1 < ids.length; i++) found.get(cacheDtype)!.add(truth[i], rows[i], ids[i + 1]);
  }
}

/** CPU milliseconds of passes, by cache and number of rows, in rounds that take all of them in turn. */
async function times(past: number): Promise<Map<string, number[]>> {
  const taken = new Map<string, number[]>();
  const sequences = new Map<CacheDtype, Awaited<ReturnType<typeof withPast>>>();
  for (const [cacheDtype, lm] of models) sequences.set(cacheDtype, await withPast(lm, past));
  for (let round = -2; round < rounds; round++) {
    for (const [cacheDtype, { model }] of models) {
      for (const n of ROWS) {
        const tokens = Array.from({ length: n }, (_, i) => (i * 37 + 11) % model.vocabLimit);
        const sequence = sequences.get(cacheDtype)!;
        const usage = process.cpuUsage();
        await model.forward([{ sequence, tokens, needs: tokens.map(() => 2) }], (rows) => rows.argmax(0));
        const { user, system } = process.cpuUsage(usage);
        sequence.rollback();
        const key = `${cacheDtype} ${n}`;
        if (round >= 0) taken.set(key, [...(taken.get(key) ?? []), (user + system) / 1000]);
      }
    }
  }
  for (const sequence of sequences.values()) sequence.dispose();
  return taken;
}

async function withPast({ model }: LanguageModel, past: number) {
  const sequence = model.newSequence();
  await model.prefill(
    sequence,
    Array.from({ length: COMPUTED }, (_, i) => (i * 37 + 11) % model.vocabLimit),
  );
  const rest = Array.from({ length: past - COMPUTED }, (_, i) => i);
  sequence.append(rest.map((i) => i - 1));
  for (const i of rest) sequence.cache.moveRow(i % COMPUTED, COMPUTED + i);
  sequence.commit(rest);
  return sequence;
}

const share = (value: number) => `${(100 * value).toFixed(1)}%`;
const table = [["cache", "bytes a token", "KL", "agreement", "where sure"]];
const timing = [["cache", "context", "t(1) ms", "to fp32", "t(8) ms", "to fp32"]];
for (const [cacheDtype, { config }] of models) {
  const { kl, agreement } = found.get(cacheDtype)!;
  table.push([
    cacheDtype,
    String(cacheBytesPerToken(config, cacheDtype)),
    kl.toExponential(1),
    ...agreement.map(share),
  ]);
}
for (const past of pasts) {
  const taken = await times(past);
  for (const cacheDtype of models.keys()) {
    const figures = ROWS.flatMap((n) => {
      const [own, full] = [taken.get(`${cacheDtype} ${n}`)!, taken.get(`fp32 ${n}`)!];
      const ratio = quantile(
        own.map((value, i) => value / full[i]),
        0.5,
      );
      return [Math.min(...own).toFixed(2), ratio.toFixed(2)];
    });
    timing.push([cacheDtype, String(past), ...figures]);
  }
}
const { positions, sure } = found.get("fp32")!;
report(`${directory} in ${dtype}, ${positions} positions, ${sure} where the fp32 cache is sure`, table, [...found]);
report("CPU time of a pass", timing, timing);
for (const lm of models.values()) await lm.dispose();
