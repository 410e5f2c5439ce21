import { describe, expect, test } from "vitest";
import type { Dtype, SingleOptions } from "../../src/index.js";
import { DRAFT, model, prompts, TARGET } from "../support/models.js";
import { some, tier } from "../support/tier.js";

/** The promise: a chain of drafted tokens gives plain decoding's tokens, exactly. */
const NEW_TOKENS = tier(32, 24);
const LENGTHS = [1, 2, 3, 4, 6, 8];
const SAMPLINGS: [name: string, options: SingleOptions][] = [
  ["greedy", {}],
  ["temperature 0.7", { temperature: 0.7, seed: 7 }],
  ["temperature 1", { temperature: 1, seed: 2 ** 40 + 1 }],
];

describe.each(["fp32", "q8", "q4"] as Dtype[])("%s", (dtype) => {
  test.each(SAMPLINGS)("speculative tokens are plain tokens on every prompt: %s", async (_, sampling) => {
    const target = await model(TARGET, dtype);
    const draft = await model(DRAFT, dtype);
    let accepted = 0;
    for (const [i, { id, prompt }] of some(prompts(), dtype === "q8" ? 3 : 2).entries()) {
      const options = { ...sampling, maxNewTokens: NEW_TOKENS };
      const plain = await target.generate(prompt, { ...options, speculation: { method: "none" } });
      for (const numSpeculativeTokens of tier(LENGTHS, [LENGTHS[i % 3], LENGTHS[3 + (i % 3)]])) {
        const speculation = { method: "draft", numSpeculativeTokens };
        const fast = await target.generate(prompt, { ...options, assistantModel: draft, speculation });
        expect(fast.tokenIds, `${id}, K = ${numSpeculativeTokens}`).toEqual(plain.tokenIds);
        expect(fast.text).toBe(plain.text);
        expect(fast.finishReason).toBe(plain.finishReason);
        accepted += fast.stats.acceptedTokens;
      }
    }
    expect(accepted).toBeGreaterThan(tier(500, 20));
  });

  test.each(tier([2, 4, 6], [3]))("%i prompts in the same passes give the tokens of each alone", async (count) => {
    const target = await model(TARGET, dtype);
    const draft = await model(DRAFT, dtype);
    const batch = prompts()
      .filter((_, i) => i % 7 === 0)
      .slice(0, count)
      .map(({ prompt }) => prompt);
    const sampling = { temperature: 0.8, seed: 3, maxNewTokens: tier(NEW_TOKENS, 16) };
    const alone = [];
    for (const prompt of batch) alone.push((await target.generate(prompt, sampling)).tokenIds);
    const plain = await target.generate(batch, { ...sampling, speculation: { method: "none" } });
    expect(plain.map((result) => result.tokenIds)).toEqual(alone);
    const fast = await target.generate(batch, { ...sampling, assistantModel: draft, speculation: { method: "draft" } });
    expect(fast.map((result) => result.tokenIds)).toEqual(alone);
  });

  test.each(["heuristic", "confidence"] as const)("draft length policy %s", async (policy) => {
    const target = await model(TARGET, dtype);
    const draft = await model(DRAFT, dtype);
    for (const sampling of [{}, { temperature: 0.9, topP: 0.95, seed: 5 }]) {
      const plain = await target.generate(prompts()[3].prompt, {
        ...sampling,
        maxNewTokens: tier(64, 32),
        speculation: { method: "none" },
      });
      const options: SingleOptions = {
        ...sampling,
        maxNewTokens: tier(64, 32),
        assistantModel: draft,
        speculation: { method: "draft", policy },
      };
      expect((await target.generate(prompts()[3].prompt, options)).tokenIds).toEqual(plain.tokenIds);
    }
  });
});

test("every processor gives the same tokens with a draft as without", async () => {
  const target = await model(TARGET, "q8");
  const draft = await model(DRAFT, "q8");
  const the = target.tokenizer!.encode(" the", { addSpecialTokens: false });
  const cases: SingleOptions[] = [
    { temperature: 1, topK: 5 },
    { temperature: 1.3, topP: 0.8 },
    { temperature: 1, minP: 0.1 },
    { temperature: 1, typicalP: 0.7 },
    { repetitionPenalty: 1.3 },
    { temperature: 0.9, presencePenalty: 0.5, frequencyPenalty: 0.7 },
    { logitBias: { [the[0]]: -100 } },
    { badWordsIds: [the, [14, 511]] },
    { minNewTokens: 40, logitBias: { 0: 50 } },
    { temperature: 1, topK: 50, topP: 0.95, repetitionPenalty: 1.1, minNewTokens: 5 },
  ];
  for (const sampling of cases) {
    const options = { ...sampling, seed: 11, maxNewTokens: 48 };
    for (const { prompt } of some(
      prompts().filter((_, i) => i % 9 === 0),
      1,
    )) {
      const plain = await target.generate(prompt, { ...options, speculation: { method: "none" } });
      const fast = await target.generate(prompt, {
        ...options,
        assistantModel: draft,
        speculation: { method: "draft" },
      });
      expect(fast.tokenIds, JSON.stringify(sampling)).toEqual(plain.tokenIds);
    }
  }
});
