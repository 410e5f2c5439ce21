import { expect, test } from "vitest";
import { AutoModelForCausalLM, type Dtype } from "../../src/index.js";
import { logitsOf } from "../../src/loading/row-invariance.js";
import { logSumExp } from "../../src/sampling/log-probability.js";
import { DRAFT, model, readJson, TARGET } from "../support/models.js";

interface Side {
  top10_ids: number[];
  top10_logits: number[];
  greedy48_ids: number[];
  greedy48_text: string;
}
const golden = readJson<{ cases: { prompt: string; input_ids: number[]; target: Side; draft: Side }[] }>(
  "test/golden/golden.json",
);

interface LlamaCase {
  input_ids: number[];
  logits: Record<string, number[]>;
  greedy24_ids: number[];
}
const llama = readJson<{ models: Record<string, LlamaCase> }>("test/oracle/llama/oracle.json");

test.each(Object.entries(llama.models))("transformers' logits: %s", async (name, oracle) => {
  const lm = await AutoModelForCausalLM.fromPretrained(`test/oracle/llama/${name}`, { dtype: "fp32" });
  const rows = await logitsOf(lm.model, oracle.input_ids, 7);
  let worst = 0;
  for (const [position, expected] of Object.entries(oracle.logits)) {
    expected.forEach((value, id) => {
      worst = Math.max(worst, Math.abs(value - rows[Number(position)][id]));
    });
  }
  expect(worst).toBeLessThan(1e-3);
  const { tokenIds } = await lm.generate(oracle.input_ids, { maxNewTokens: 24, ignoreEos: true });
  expect(tokenIds).toEqual(oracle.greedy24_ids);
  await lm.dispose();
});

test.each([
  ["target", TARGET],
  ["draft", DRAFT],
] as const)("golden values of the embedded %s in fp32", async (side, directory) => {
  const lm = await model(directory, "fp32");
  for (const { prompt, input_ids: ids, [side]: expected } of golden.cases) {
    expect(lm.promptIds(prompt)).toEqual(ids);
    const row = (await logitsOf(lm.model, ids, 64))[ids.length - 1];
    expected.top10_ids.forEach((id, i) => {
      expect(Math.abs(row[id] - expected.top10_logits[i])).toBeLessThan(1e-3);
    });
    const { tokenIds, text } = await lm.generate(prompt, { maxNewTokens: 48, ignoreEos: true });
    expect(tokenIds).toEqual(expected.greedy48_ids);
    expect(text).toBe(expected.greedy48_text);
  }
});

test.each(["q8", "q4"] as Dtype[])("quantisation keeps the distribution: %s", async (dtype) => {
  const exact = await model(TARGET, "fp32");
  const rough = await model(TARGET, dtype);
  let kl = 0;
  let rows = 0;
  let clear = 0;
  let agree = 0;
  for (const { input_ids: prompt, target } of golden.cases) {
    const ids = [...prompt, ...target.greedy48_ids, ...prompt.slice(1)];
    const p = await logitsOf(exact.model, ids, 64);
    const q = await logitsOf(rough.model, ids, 64);
    ids.forEach((_, i) => {
      kl += divergence(p[i], q[i]);
      rows++;
      const [first, second] = [...p[i]].sort((a, b) => b - a);
      if (first - second <= 0.5) return;
      clear++;
      if (p[i].indexOf(first) === q[i].indexOf(Math.max(...q[i]))) agree++;
    });
  }
  // 8-bit block-32 was measured at 0.0002 nats, 4-bit at 0.021.
  expect(kl / rows).toBeLessThan(dtype === "q8" ? 0.001 : 0.06);
  expect(agree / clear).toBeGreaterThanOrEqual(dtype === "q8" ? 0.99 : 0.97);
});

function divergence(p: Float32Array, q: Float32Array): number {
  const [zp, zq] = [logSumExp(p, p.length), logSumExp(q, q.length)];
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += Math.exp(p[i] - zp) * (p[i] - zp - (q[i] - zq));
  return sum;
}
