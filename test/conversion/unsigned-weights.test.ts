import { expect, test } from "vitest";
import { convertedModel, decoderBlueprint } from "../../src/conversion/converted-model.js";
import { CausalLM } from "../../src/engine/causal-lm.js";
import { logitsOf, rowInvariance } from "../../src/exactness/row-invariance.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { saturationProbe } from "../../src/runtime/probes.js";
import { TARGET } from "../support/models.js";

/** CPUs whose unsigned-signed products saturate get unsigned weights; signed ones would be wrong there. */
test("unsigned int8 weights give the bits of signed ones, and exact rows", async () => {
  const { source, config } = await openCheckpoint(TARGET);
  const tokens = Array.from({ length: 40 }, (_, i) => i * 7 + 3);
  const logits: Float32Array[][] = [];
  for (const q8Signed of (await saturationProbe()) ? [false] : [false, true]) {
    const converted = await convertedModel(source, decoderBlueprint(config), {
      dtype: "q8",
      product: "MatMulIntegerToFloat",
      q8Signed,
    });
    const model = await CausalLM.load({ config, ...converted, contextLength: 512, vocabLimit: config.vocabSize });
    const { rows, identical } = await rowInvariance(model);
    expect(identical).toBe(rows);
    logits.push(await logitsOf(model, tokens, 8));
    await model.dispose();
  }
  await source.close();
  logits[1]?.forEach((row, i) => {
    expect(Buffer.compare(Buffer.from(row.buffer), Buffer.from(logits[0][i].buffer))).toBe(0);
  });
});
