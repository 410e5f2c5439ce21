import { expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../../src/index.js";
import { DRAFT, model, prompts, TARGET } from "../../support/models.js";
import { oraclesOf } from "../../support/proposal-oracles.js";
import { tier } from "../../support/tier.js";
import { type Way, withDraft, withPrunedDraft } from "../../support/ways.js";
import { conformance } from "../suite.js";

conformance(
  "draft",
  {
    chain: withDraft("draft", { numSpeculativeTokens: 6 }),
    tree: withDraft("draft", { treeWidths: [3, 2, 1] }),
    ...tier<Record<string, Way>>({ "vocabulary of its own": withPrunedDraft("draft", { treeWidths: [2, 1] }) }, {}),
  },
  { edgeCases: ["chain", "tree"], proposals: oraclesOf("draft") },
);

test("a draft with a smaller context than its target's drafts as far as it can", async () => {
  const target = await model(TARGET, "q8");
  const { prompt } = prompts()[4];
  const ids = target.tokenizer!.encode(prompt);
  const small = await AutoModelForCausalLM.fromPretrained(DRAFT, { contextLength: ids.length + 12 });
  const options = { maxNewTokens: 24, speculation: { method: "draft" } };
  const plain = await target.generate(prompt, { maxNewTokens: 24, speculation: { method: "none" } });
  const out = await target.generate(prompt, { ...options, assistantModel: small });
  expect(out.tokenIds).toEqual(plain.tokenIds);
  expect(out.stats.acceptedTokens).toBeGreaterThan(0);
  const tiny = await AutoModelForCausalLM.fromPretrained(DRAFT, { contextLength: ids.length - 3 });
  const without = await target.generate(prompt, { ...options, assistantModel: tiny });
  expect(without.tokenIds).toEqual(plain.tokenIds);
  expect(without.stats.draftedTokens).toBe(0);
  await small.dispose();
  await tiny.dispose();
});
