import { expect, test } from "vitest";
import { AutoModelForCausalLM, loadEagleHeads, Recording } from "../../src/index.js";
import { EAGLE_HEADS, withEagleHeads } from "../support/eagle-heads.js";
import { model, prompts, TARGET } from "../support/models.js";

/** EAGLE-3 heads beside other drafters, guarded, and with a prompt that they did not see. */
const heads = withEagleHeads();
const PROMPTS = [4, 10, 12].map((i) => prompts()[i].prompt);

test("in a merged tree it sees the rows of tokens that others proposed", async () => {
  const target = await model(TARGET, "q8");
  const options = { maxNewTokens: 40, ignoreEos: true };
  const plain = await target.generate(PROMPTS, { ...options, speculation: { method: "none" } });
  const own = { heads: await heads("q8"), mergedNodes: 24 };
  const speculation = { method: "merged", drafters: ["eagle", "recycling"], ...own };
  const merged = await target.generate(PROMPTS, { ...options, speculation });
  expect(merged.map(({ tokenIds }) => tokenIds)).toEqual(plain.map(({ tokenIds }) => tokenIds));
  const accepted = (name: string) => merged.reduce((sum, { stats }) => sum + (stats.byDrafter[name]?.accepted ?? 0), 0);
  expect(accepted("eagle")).toBeGreaterThan(20);
  expect(accepted("recycling")).toBeGreaterThan(0);
});

test("guarded by auto, the text is plain decoding's however much it drafts", async () => {
  const target = await model(TARGET, "q8");
  const speculation = { heads: await heads("q8") };
  for (const prompt of PROMPTS) {
    const plain = await target.generate(prompt, { maxNewTokens: 60, speculation: { method: "none" } });
    const auto = await target.generate(prompt, { maxNewTokens: 60, speculation });
    expect(auto.stats.method).toBe("eagle");
    expect(auto.tokenIds).toEqual(plain.tokenIds);
  }
});

test("a prompt of which it saw nothing costs guesses, not the text", async () => {
  const target = await model(TARGET, "q8");
  const drafter = await target.newDrafter({ speculation: { method: "eagle", heads: await heads("q8") } });
  await drafter.readPrompt!([5, 17, 80]);
  await drafter.begin([5, 17, 80, 3]);
  drafter.dispose();
  const { draftedTokens } = (
    await target.generate([300], {
      maxNewTokens: 20,
      speculation: { method: "eagle", heads: await heads("q8") },
    })
  ).stats;
  expect(draftedTokens).toBeGreaterThan(0);
});

test("heads with a smaller context than the target's draft as far as it goes", async () => {
  const small = await AutoModelForCausalLM.fromPretrained(TARGET, { contextLength: 48 });
  const few = await loadEagleHeads(EAGLE_HEADS, small);
  await small.dispose();
  const target = await model(TARGET, "q8");
  for (const prompt of [PROMPTS[1], PROMPTS.join(" ")]) {
    const options = { maxNewTokens: 60, ignoreEos: true };
    const plain = await target.generate(prompt, { ...options, speculation: { method: "none" } });
    const out = await target.generate(prompt, { ...options, speculation: { method: "eagle", heads: few } });
    expect(out.tokenIds).toEqual(plain.tokenIds);
    expect(out.stats.draftExhausted).toMatchObject({ contextLength: 48 });
  }
  await few.dispose();
});

test("replays price trees without running the target again", async () => {
  const target = await model(TARGET, "q8");
  const recording = await Recording.of(target, { prompt: PROMPTS[1] }, { maxNewTokens: 32 });
  const speculation = { method: "eagle", heads: await heads("q8") };
  const perPass = async (treeNodes: number) =>
    (await recording.replay({ speculation: { ...speculation, treeNodes } })).meanTokensPerPass;
  const [chain, small, large] = [await perPass(1), await perPass(6), await perPass(24)];
  expect(small).toBeGreaterThan(chain);
  expect(large).toBeGreaterThanOrEqual(small);
});
