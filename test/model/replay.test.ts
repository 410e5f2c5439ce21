import { describe, expect, test } from "vitest";
import { type GenerateOptions, Recording } from "../../src/index.js";
import { WAYS } from "../support/methods.js";
import { model, prompts, TARGET } from "../support/models.js";
import { tier } from "../support/tier.js";

/** Replays predict what a run accepts, from one plain pass over its text. */
const SAMPLINGS: Record<string, GenerateOptions> = {
  greedy: {},
  sampled: { temperature: 0.7, seed: 3, repetitionPenalty: 1.1, minNewTokens: 4 },
};
const EVERY = prompts().filter((_, i) => i % 8 === 3);
const CASES = tier(EVERY, [EVERY[0], EVERY[1]]);
/** Methods that look at rows off the text, which a replay has to guess. */
const GUESSES = /recycling|lookahead/;
const names = Object.keys(SAMPLINGS);

describe.each(Object.entries(SAMPLINGS))("%s", (name, sampling) => {
  /** In the fast tier methods take turns: one greedy, the next sampled. */
  const ways = Object.keys(WAYS).filter((_, i) => tier(true, names[i % names.length] === name));
  const options = { ...sampling, maxNewTokens: 40 };

  test.each(ways.filter((name) => !GUESSES.test(name)))("exactly what a run accepts: %s", async (name) => {
    const target = await model(TARGET, "q8");
    const way = await WAYS[name].options("q8");
    let accepted = 0;
    for (const { prompt } of CASES) {
      const { stats, tokenIds: output } = await target.generate(prompt, { ...options, ...way });
      const recording = await Recording.of(target, { prompt, output }, options);
      const { rows, guessedRows, ...found } = await recording.replay(way);
      expect(guessedRows).toBe(0);
      expect(stats).toMatchObject(found);
      expect(rows.length).toBe(stats.targetPasses);
      accepted += found.acceptedTokens;
    }
    expect(accepted > 0).toBe(name !== "plain");
  });

  test.each(ways.filter((name) => GUESSES.test(name)))("nearly what a run accepts: %s", async (name) => {
    const target = await model(TARGET, "q8");
    // Anew for every run: what token recycling remembers stays in its options.
    const way = () => WAYS[name].options("q8");
    let [passes, predicted] = [0, 0];
    for (const { prompt } of CASES) {
      const { stats, tokenIds: output } = await target.generate(prompt, { ...options, ...(await way()) });
      const recording = await Recording.of(target, { prompt, output }, options);
      const found = await recording.replay(await way());
      expect(found.guessedRows).toBeGreaterThan(0);
      expect(found.newTokens).toBe(stats.newTokens);
      passes += stats.targetPasses;
      predicted += found.targetPasses;
    }
    expect(Math.abs(predicted / passes - 1)).toBeLessThan(0.25);
  });
});

test("one recording serves every setting, and reads the draft once", async () => {
  const target = await model(TARGET, "q8");
  const { assistantModel } = await WAYS["draft chain"].options("q8");
  const recording = await Recording.of(target, { prompt: CASES[0].prompt }, { maxNewTokens: 48 });
  const draft = assistantModel!.model;
  const forward = draft.forward.bind(draft);
  let passes = 0;
  draft.forward = (...args) => {
    passes++;
    return forward(...args);
  };
  const perPass: number[] = [];
  for (const numSpeculativeTokens of [1, 2, 4, 8]) {
    const found = await recording.replay({ assistantModel, speculation: { numSpeculativeTokens } });
    perPass.push(found.meanTokensPerPass);
  }
  draft.forward = forward;
  // The prompt's and the output's chunks of 64 rows.
  expect(passes).toBeLessThanOrEqual(3);
  expect(perPass).toEqual([...perPass].sort((a, b) => a - b));
});

test("a text of somebody else's, and what a replay cannot follow", async () => {
  const target = await model(TARGET, "q8");
  const output = target.tokenizer!.encode(" the cat and the dog, the cat and the dog, the cat and the dog.");
  const recording = await Recording.of(target, { prompt: "They saw", output });
  const found = await recording.replay({ speculation: { method: "ngram" } });
  expect(found.newTokens).toBe(output.length);
  expect(found.meanTokensPerPass).toBeGreaterThan(1.5);
  await expect(Recording.of(target, { prompt: "x", output: [] })).rejects.toThrow("the output is empty");
  await expect(Recording.of(target, { prompt: "x" }, { grammar: "json" })).rejects.toThrow("without grammar");
  await expect(recording.replay({ speculation: { method: "ngrams" } })).rejects.toThrow('Did you mean "ngram"');
});
