import { expect, test } from "vitest";
import { type GenerationEvent, Recording } from "../../../src/index.js";
import { DRAFT, model, TARGET } from "../../support/models.js";

const target = await model(TARGET, "q8");
const options = { temperature: 1, maxNewTokens: 16 };
const PROMPT = "Once upon a time";

test("without a seed every call and every prompt of a batch is sampled anew, and its seed repeats it", async () => {
  const results = [
    await target.generate(PROMPT, options),
    await target.generate(PROMPT, options),
    ...(await target.generate([PROMPT, PROMPT, PROMPT], options)),
  ];
  expect(new Set(results.map(({ seed }) => seed)).size).toBe(results.length);
  expect(new Set(results.map(({ text }) => text)).size).toBe(results.length);
  const draft = await model(DRAFT, "q8");
  for (const { seed, tokenIds } of results) {
    const again = await target.generate(PROMPT, {
      ...options,
      seed,
      assistantModel: draft,
      speculation: { method: "draft" },
    });
    expect(again).toMatchObject({ seed, tokenIds });
  }
});

test("seed and number of samples repeat samples", async () => {
  const samples = await target.generate(PROMPT, { ...options, numReturnSequences: 3 });
  expect(new Set(samples.map(({ seed }) => seed)).size).toBe(1);
  expect(new Set(samples.map(({ text }) => text)).size).toBe(3);
  const again = await target.generate(PROMPT, { ...options, numReturnSequences: 3, seed: samples[0].seed });
  expect(again.map(({ tokenIds }) => tokenIds)).toEqual(samples.map(({ tokenIds }) => tokenIds));
});

test("a given seed holds for every prompt and is in the result; greedy has none", async () => {
  const [a, b] = await target.generate([PROMPT, PROMPT], { ...options, seed: 7 });
  expect(a).toMatchObject({ seed: 7, tokenIds: b.tokenIds });
  expect(await target.generate(PROMPT, { maxNewTokens: 2 })).not.toHaveProperty("seed");
  expect(await target.generate(PROMPT, { maxNewTokens: 2, seed: 7 })).not.toHaveProperty("seed");
  const events: GenerationEvent[] = [];
  for await (const event of target.stream(PROMPT, { ...options, maxNewTokens: 2 })) events.push(event);
  const finish = events.at(-1)!;
  expect(finish.type === "finish" && Number.isSafeInteger(finish.seed)).toBe(true);
});

test("a recording has the noise of its output", async () => {
  const {
    tokenIds: output,
    seed,
    stats,
  } = await target.generate(PROMPT, { ...options, speculation: { method: "ngram" } });
  await expect(Recording.of(target, { prompt: PROMPT, output }, options)).rejects.toThrow("give the seed, result.seed");
  const recording = await Recording.of(target, { prompt: PROMPT, output }, { ...options, seed });
  const found = await recording.replay({ speculation: { method: "ngram" } });
  expect(found.acceptedTokens).toBe(stats.acceptedTokens);
});
