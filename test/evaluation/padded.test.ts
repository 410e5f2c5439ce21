import { expect, test } from "vitest";
import { paddedEagleHeads, paddedMedusaHeads } from "../../src/evaluation/padded-heads.js";
import { padded } from "../../src/evaluation/padded-source.js";
import { AutoTokenizer, type Dtype, loadEagleHeads, loadMedusaHeads, loadModel } from "../../src/index.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { model, prompts, TARGET } from "../support/models.js";
import { some } from "../support/tier.js";

const SHAPE = { hiddenSize: 320, intermediateSize: 832, numLayers: 8, numHeads: 6, numKvHeads: 3 };

async function wider() {
  const { source, config } = await openCheckpoint(TARGET);
  return padded(source, config, SHAPE);
}

test.each(["fp32", "q4"] as Dtype[])("a padded model says what the small one says: %s", async (dtype) => {
  const small = await model(TARGET, dtype);
  const { source, config } = await wider();
  const large = await loadModel(source, config, await AutoTokenizer.fromPretrained(TARGET), { dtype });
  let same = 0;
  let all = 0;
  for (const { prompt } of some(
    prompts().filter((_, i) => i % 5 === 0),
    2,
  )) {
    const ids = small.promptIds(prompt);
    const expected = await small.generate(ids, { maxNewTokens: 32, speculation: { method: "none" } });
    const got = await large.generate(ids, { maxNewTokens: 32 });
    // Other widths round differently: texts may part at a near tie.
    const parts = expected.tokenIds.findIndex((id, i) => got.tokenIds[i] !== id);
    same += parts < 0 ? expected.tokenIds.length : parts;
    all += expected.tokenIds.length;
  }
  expect(same / all).toBeGreaterThan(dtype === "fp32" ? 0.999 : 0.6);
  await large.dispose();
  await source.close();
});

test("heads of the small model draft for the padded one as they do for their own", async () => {
  const small = await model(TARGET, "fp32");
  const { source, config } = await wider();
  await using large = await loadModel(source, config, await AutoTokenizer.fromPretrained(TARGET), { dtype: "fp32" });
  await source.close();
  const ids = small.promptIds(prompts()[0].prompt);
  const kinds = {
    medusa: [
      await loadMedusaHeads("models/medusa-heads", small),
      await paddedMedusaHeads("models/medusa-heads", large),
    ],
    eagle: [
      await loadEagleHeads("models/eagle-heads", small),
      await paddedEagleHeads("models/eagle-heads", large, TARGET),
    ],
  };
  for (const [method, [own, wide]] of Object.entries(kinds)) {
    const by = (heads: typeof own) => ({ maxNewTokens: 16, speculation: { method, heads } });
    const expected = await small.generate(ids, by(own));
    const got = await large.generate(ids, by(wide));
    expect(got.tokenIds, method).toEqual(expected.tokenIds);
    expect(got.stats.targetPasses, method).toBe(expected.stats.targetPasses);
    for (const heads of [own, wide]) await heads.dispose();
  }
});

test("added layers have weights of their own, so that a pass reads them all", async () => {
  const { source } = await wider();
  const contents = new Set<string>();
  let tensors = 0;
  for (const name of source.names()) {
    const { shape } = source.info(name)!;
    if (shape.length < 2) continue;
    const values = new Float32Array(shape[0] * shape[1]);
    await source.readRows(name, 0, shape[0], values);
    const again = new Float32Array(3 * shape[1]);
    await source.readRows(name, 5, 3, again);
    expect(again).toEqual(values.subarray(5 * shape[1], 8 * shape[1]));
    contents.add(Buffer.from(values.buffer).toString("latin1"));
    tensors++;
    if (/layers\.[67]\./.test(name) && !name.includes("v_proj")) {
      expect(values.filter((value) => value !== 0).length).toBeGreaterThan(0.4 * values.length);
    }
  }
  // Values of added layers are zero; everything else differs.
  expect(contents.size).toBe(tensors - 1);
  await source.close();
});
