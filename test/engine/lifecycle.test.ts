import { describe, expect, it } from "vitest";
import { AutoModelForCausalLM, Need, UsageError } from "../../src/index.js";
import { DRAFT, model, TARGET } from "../support/models.js";
import { tier } from "../support/tier.js";

const PROMPT = "Once upon a time";

describe("the life of a model", () => {
  it("ends: a disposed model and its sequences refuse to work", async () => {
    const lm = await AutoModelForCausalLM.fromPretrained(DRAFT);
    const sequence = lm.model.newSequence();
    await lm.dispose();
    await lm.dispose();
    await expect(lm.generate(PROMPT)).rejects.toThrow(/model was disposed/);
    expect(() => lm.model.newSequence()).toThrow(/model was disposed/);
    await expect(lm.model.prefill(sequence, [1, 2])).rejects.toThrow(/model was disposed/);
    sequence.dispose();
    expect(() => sequence.fork()).toThrow(/sequence was disposed/);
  });

  it("waits for the pass under way when it is disposed of", async () => {
    const lm = await AutoModelForCausalLM.fromPretrained(DRAFT);
    const sequence = lm.model.newSequence();
    const running = lm.model.prefill(sequence, new Array(1000).fill(5), { chunk: 1000 });
    await lm.dispose();
    await running.catch((error) => expect(String(error)).toMatch(/disposed/));
  });

  it("takes calls at the same time and answers each as if it were alone", async () => {
    const [target, draft] = [await model(TARGET, "q8"), await model(DRAFT, "q8")];
    const prompts = [PROMPT, "The fox said", "One day, Tom", "It was dark"];
    const alone = [];
    for (const prompt of prompts) alone.push((await target.generate(prompt, { maxNewTokens: 24 })).tokenIds);
    const together = await Promise.all(
      prompts.map((prompt, i) =>
        target.generate(prompt, {
          maxNewTokens: 24,
          ...(i % 2 && { assistantModel: draft, speculation: { method: "draft" } }),
        }),
      ),
    );
    expect(together.map((result) => result.tokenIds)).toEqual(alone);
  });

  it("drops a sequence's rows when a pass is aborted, and goes on", async () => {
    const { model: lm } = await model(TARGET, "q8");
    using sequence = lm.newSequence();
    await lm.prefill(sequence, [1, 2, 3]);
    const signal = AbortSignal.abort();
    const request = { sequence, tokens: [4, 5], needs: [Need.top, Need.top] };
    await expect(lm.forward([request], () => undefined, { signal })).rejects.toThrow(/abort/i);
    expect([sequence.length, sequence.pending]).toEqual([3, 0]);
    await lm.forward([request], (r) => r.argmax(1));
    expect(sequence.pending).toBe(2);
  });

  it("refuses rows that make no sense", async () => {
    const { model: lm } = await model(TARGET, "q8");
    using sequence = lm.newSequence();
    const forward = (request: object) =>
      lm.forward([{ sequence, tokens: [1, 2], needs: [0, 0], ...request }], () => undefined);
    const wrong: [request: object, says: RegExp][] = [
      [{ tokens: [], needs: [] }, /at least one row/],
      [{ needs: [0] }, /2 rows came with 1 needs/],
      [{ parents: [-1] }, /2 rows came with 1 parents/],
      [{ needs: [0, 999] }, /row 1 has the needs 999/],
      [{ tokens: [1, 4096] }, /4096 is outside the vocabulary/],
      [{ tokens: [1, -1] }, /-1 is outside/],
      [{ parents: [-1, 1] }, /parent must stand before/],
    ];
    for (const [request, says] of wrong) {
      await expect(forward(request)).rejects.toThrow(says);
      await expect(forward(request)).rejects.toThrow(UsageError);
    }
    expect(() => sequence.commit([0])).toThrow(/no child/);
    expect(() => sequence.rollback(5)).toThrow(/0 committed rows/);
    expect(sequence.pending).toBe(0);
  });

  it("does not grow over many generations", async () => {
    const [target, draft] = [await model(TARGET, "q8"), await model(DRAFT, "q8")];
    const options = { maxNewTokens: 16, assistantModel: draft, speculation: { method: "draft" } };
    const generations = async (count: number) => {
      for (let i = 0; i < count; i++) await target.generate(`${PROMPT} ${i}`, options);
    };
    await generations(tier(100, 40));
    const before = process.memoryUsage();
    await generations(tier(200, 80));
    const after = process.memoryUsage();
    // A leaked cache alone would be 200 MB and more in 200.
    expect(after.rss - before.rss).toBeLessThan(30 << 20);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(10 << 20);
  });
});
