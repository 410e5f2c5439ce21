import { describe, expect, test } from "vitest";
import { convertedModel, decoderBlueprint } from "../../src/conversion/converted-model.js";
import { stockFormat } from "../../src/conversion/weight-format.js";
import { CausalLM } from "../../src/engine/causal-lm.js";
import { exactnessOf } from "../../src/exactness/exactness.js";
import { AutoTokenizer, type Dtype, LanguageModel, loadEagleHeads, loadMedusaHeads } from "../../src/index.js";
import { openCheckpoint } from "../../src/models/checkpoint/checkpoint.js";
import { EAGLE_HEADS } from "../support/eagle-heads.js";
import { DRAFT, model, prompts, TARGET } from "../support/models.js";
import { some, tier } from "../support/tier.js";

const ATTENTION = "GroupQueryAttention";

/** Where no native operators are, ONNX Runtime's run: everything must hold with them too. */
async function stock(dtype: Dtype): Promise<LanguageModel> {
  const { source, config } = await openCheckpoint(TARGET);
  const converted = await convertedModel(source, decoderBlueprint(config), await stockFormat(dtype));
  await source.close();
  const exactness = await exactnessOf(converted, config, undefined, { attention: ATTENTION });
  const options = { config, ...converted, contextLength: 512, vocabLimit: config.vocabSize, exactness };
  const lm = await CausalLM.load({ ...options, attention: ATTENTION });
  return new LanguageModel(lm, await AutoTokenizer.fromPretrained(TARGET), TARGET);
}

describe.each(["fp32", "q8", "q4"] as const)("ONNX Runtime's own operators, %s", (dtype) => {
  test("chains and trees give plain decoding's text, one by one and together", async () => {
    const target = await stock(dtype);
    expect(target.exactness.level).toBe("bit-exact");
    const asked = some(
      prompts().map(({ prompt }) => prompt),
      tier(8, 2),
    );
    const common = { maxNewTokens: tier(48, 24), ignoreEos: true };
    const heads = await loadMedusaHeads("models/medusa-heads", target);
    const eagle = await loadEagleHeads(EAGLE_HEADS, target);
    const ways = [
      { speculation: { method: "eagle", heads: eagle, treeNodes: 8 } },
      { speculation: { method: "ngram" } },
      { speculation: { method: "medusa", heads } },
      { speculation: { method: "draft", treeWidths: [2, 1, 1] }, assistantModel: await model(DRAFT, "fp32") },
    ];
    const plain = await target.generate(asked, { ...common, speculation: { method: "none" } });
    for (const way of ways) {
      const fast = await target.generate(asked, { ...common, ...way });
      expect(fast.map(({ tokenIds }) => tokenIds)).toEqual(plain.map(({ tokenIds }) => tokenIds));
      const alone = await target.generate(asked[0], { ...common, ...way });
      expect(alone.tokenIds).toEqual(plain[0].tokenIds);
      expect(alone.stats.lossless).toBe(true);
    }
    heads.dispose();
    await eagle.dispose();
    await target.dispose();
  });
});
