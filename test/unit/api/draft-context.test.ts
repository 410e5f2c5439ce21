import { expect, test } from "vitest";
import { loadModels } from "../../../src/cli/models.js";
import { AutoModelForCausalLM, MedusaModel } from "../../../src/index.js";
import { makeForeignDraft } from "../../support/foreign-draft.js";
import { HEADS } from "../../support/medusa-model.js";
import { DRAFT, model, TARGET, temporaryFolder } from "../../support/models.js";

const PROMPT = "Once upon a time there was a";
const CONTEXT = 32;
const options = { maxNewTokens: 60, ignoreEos: true };

/** Drafts whose context ends long before the target's. */
const drafts = {
  draft: () => AutoModelForCausalLM.fromPretrained(DRAFT, { contextLength: CONTEXT }),
  merged: () => AutoModelForCausalLM.fromPretrained(DRAFT, { contextLength: CONTEXT }),
  universal: async () => {
    const folder = await makeForeignDraft(temporaryFolder());
    return AutoModelForCausalLM.fromPretrained(folder, { contextLength: CONTEXT });
  },
  "draft-medusa": async () => {
    const base = await AutoModelForCausalLM.fromPretrained(TARGET, { contextLength: CONTEXT });
    return MedusaModel.fromPretrained(HEADS, { base });
  },
};

test.each(Object.entries(drafts))(
  "%s: the output goes on beyond the draft's context, and that is told",
  async (method, load) => {
    const target = await model(TARGET, "q8");
    const plain = await target.generate(PROMPT, { ...options, speculation: { method: "none" } });
    const assistantModel = await load();
    const speculation = method === "merged" ? { method, drafters: ["draft", "ngram"] } : { method };
    const out = await target.generate(PROMPT, { ...options, assistantModel, speculation });
    expect(out.tokenIds).toEqual(plain.tokenIds);
    expect(out.stats.acceptedTokens).toBeGreaterThan(0);
    const { draftExhausted } = out.stats;
    expect(draftExhausted?.contextLength).toBe(CONTEXT);
    // A foreign draft counts its own tokens, which are more.
    if (method !== "universal") expect(draftExhausted?.at).toBeGreaterThanOrEqual(CONTEXT - 4);
    expect(draftExhausted?.at).toBeLessThan(CONTEXT + 8);
    const short = await target.generate(PROMPT, { ...options, maxNewTokens: 6, assistantModel, speculation });
    expect(short.stats).not.toHaveProperty("draftExhausted");
    await assistantModel.dispose();
  },
);

test("--context-length holds for the draft too, as far as it goes", async () => {
  const models = await loadModels({ words: [], flags: { "context-length": "48" } });
  expect(models.target.model.contextLength).toBe(48);
  expect(models.draft?.model.contextLength).toBe(48);
  await models.target.dispose();
  await models.draft?.model.dispose();
});
