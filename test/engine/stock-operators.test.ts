import { describe, expect, test } from "vitest";
import { loadEagleHeads, loadMedusaHeads } from "../../src/index.js";
import { EAGLE_HEADS } from "../support/eagle-heads.js";
import { DRAFT, model, prompts, TARGET } from "../support/models.js";
import { stockModel } from "../support/stock-model.js";
import { some, tier } from "../support/tier.js";

/** Where no native operators are, ONNX Runtime's run: everything must hold with them too. */
describe.each(["fp32", "q8", "q4"] as const)("ONNX Runtime's own operators, %s", (dtype) => {
  test("chains and trees give plain decoding's text, one by one and together", async () => {
    const target = await stockModel(TARGET, dtype);
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
