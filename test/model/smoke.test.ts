import { readFileSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.js";
import { CausalLM } from "../../src/engine/causal-lm.js";
import { Need } from "../../src/engine/rows.js";
import { convertedModel } from "../../src/loading/converted-model.js";
import type { Dtype } from "../../src/types/model-config.js";

const golden = JSON.parse(readFileSync("test/golden/golden.json", "utf8"));
process.env.FORETOKEN_CACHE = mkdtempSync(join(tmpdir(), "ft-"));

test.each(["fp32", "q8", "q4"] as Dtype[])("golden %s", async (dtype) => {
  const { config, source } = await openCheckpoint("models/target");
  const t0 = performance.now();
  const converted = await convertedModel(source, config, { dtype, q8Signed: true });
  console.log(dtype, "convert", performance.now() - t0);
  const model = await CausalLM.load({ config, ...converted, contextLength: 512, vocabLimit: config.vocabSize });
  for (const c of golden.cases) {
    const seq = model.newSequence();
    const ids = c.input_ids as number[];
    let d = 0;
    await model.forward([{ sequence: seq, tokens: ids, needs: ids.map((_, i) => i === ids.length - 1 ? Need.logits | Need.top : 0) }], (r) => {
      const row = r.logits(ids.length - 1);
      c.target.top10_ids.forEach((id: number, i: number) => { d = Math.max(d, Math.abs(row[id] - c.target.top10_logits[i])); });
      if (dtype === "fp32") expect(r.argmax(ids.length - 1)).toBe(c.target.top10_ids[0]);
    });
    console.log(dtype, "max diff", d);
    if (dtype === "fp32") expect(d).toBeLessThan(1e-3);
    seq.commit(ids.map((_, i) => i));
    let last = c.target.greedy48_ids[0] as number;
    const out = [last];
    const t = performance.now();
    while (out.length < 48) {
      last = await model.forward([{ sequence: seq, tokens: [last], needs: [Need.top] }], (r) => r.argmax(0));
      seq.commit([0]);
      out.push(last);
    }
    console.log(((performance.now() - t) / 47).toFixed(3), "ms/token");
    if (dtype === "fp32") expect(out).toEqual(c.target.greedy48_ids);
  }
  await model.dispose();
});
