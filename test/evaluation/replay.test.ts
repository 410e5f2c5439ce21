import { expect, test } from "vitest";
import { Recording } from "../../src/index.js";
import { DRAFT, model, prompts, TARGET } from "../support/models.js";

/** What a recording is for; that replays predict every method: test/conformance/checks/replays.ts. */
const PROMPT = prompts()[3].prompt;

test("one recording serves every setting, and reads the draft once", async () => {
  const target = await model(TARGET, "q8");
  const assistantModel = await model(DRAFT, "q8");
  const recording = await Recording.of(target, { prompt: PROMPT }, { maxNewTokens: 48 });
  const draft = assistantModel.model;
  const forward = draft.forward.bind(draft);
  let passes = 0;
  draft.forward = (...args) => {
    passes++;
    return forward(...args);
  };
  const perPass: number[] = [];
  for (const numSpeculativeTokens of [1, 2, 4, 8]) {
    const found = await recording.replay({ assistantModel, speculation: { method: "draft", numSpeculativeTokens } });
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
