import { describe, expect, test } from "vitest";
import { DrafterError, methods } from "../../src/index.js";
import { BAD_DRAFTERS, badMethod } from "../support/bad-drafters.js";
import { freshResult } from "../support/fuzz/tracked.js";
import { DRAFT, model } from "../support/models.js";

/** Drafters that anybody may register: whatever they do, one clear error names them and the model stays as it was. */
const PROMPT = [9, 8, 7, 100, 200];
const LIMITS = { maxNewTokens: 8, ignoreEos: true };

describe.each([0, 3])("from step %i on", (from) => {
  test.each(BAD_DRAFTERS)("%s", async (what, flaws) => {
    const lm = await model(DRAFT, "q8");
    const before = await freshResult(lm.model, PROMPT);
    const name = badMethod(flaws, from);
    const error = await lm.generate(PROMPT, { ...LIMITS, speculation: { method: name } }).catch((e) => e);
    expect(error).toBeInstanceOf(DrafterError);
    expect(error.message).toMatch(what);
    expect(error.message.startsWith(`drafter "${name}" `)).toBe(true);
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect((await freshResult(lm.model, PROMPT)).equals(before)).toBe(true);
  });
});

test("among several outputs and as part of a merged tree the wrong one is named", async () => {
  const lm = await model(DRAFT, "q8");
  const name = badMethod({ plan: (plan) => ({ ...plan, topK: Number.NaN }) }, 1);
  const error = new RegExp(`^drafter "${name}" broke its contract: its topK`);
  const speculation = { method: name };
  await expect(lm.generate([PROMPT, [1, 2]], { ...LIMITS, speculation })).rejects.toThrow(error);
  const merged = { method: "merged", drafters: ["ngram", name] };
  await expect(lm.generate(PROMPT, { ...LIMITS, speculation: merged })).rejects.toThrow(error);
});

test("a proposal that its own distribution rules out is refused, not sampled by a wrong rule", async () => {
  const lm = await model(DRAFT, "q8");
  const one = { ids: Int32Array.of(3), probs: Float64Array.of(1), count: 1 };
  const name = badMethod({
    plan: (plan) => ({ tree: { ...plan.tree, draftDistributions: plan.tree.tokens.map(() => one) } }),
  });
  const speculation = { method: name, coupling: "maximal" as const };
  const error = await lm.generate(PROMPT, { ...LIMITS, temperature: 1, seed: 4, speculation }).catch((e) => e);
  expect(error).toBeInstanceOf(DrafterError);
  expect(error.message).toMatch(
    /^drafter "guest \d+" broke its contract: its draftDistributions rule out its token \d+$/,
  );
});

test("what is no drafter is refused when it is made, and when it is forked", async () => {
  const lm = await model(DRAFT, "q8");
  const makers: [made: unknown, what: RegExp][] = [
    [undefined, /create of method "no drafter 0" gave undefined, expected a Drafter/],
    [{ name: "x", begin() {} }, /gave an object without propose/],
    [{ begin() {}, propose() {}, observe() {}, fork() {}, dispose() {} }, /without name/],
  ];
  for (const [i, [made, what]] of makers.entries()) {
    const name = `no drafter ${i}`;
    methods.register({ name, summary: "", options: [], available: () => true, create: () => made as never });
    await expect(lm.generate(PROMPT, { ...LIMITS, speculation: { method: name } })).rejects.toThrow(what);
  }
  const method = badMethod({ fork: () => undefined });
  const sampled = { ...LIMITS, temperature: 1, seed: 1, numReturnSequences: 2, speculation: { method } };
  await expect(lm.generate(PROMPT, sampled)).rejects.toThrow(/fork of drafter "guest \d+" gave undefined/);
});
